// `make settings ENV=production`: every number of an environment, and where it came from.
import { accountId, adminRoleArns, allowedCidrs } from './account.ts';
import { derivations } from './derive.ts';
import { type Environment, leaves, valuesOf } from './environment.ts';
import { network } from './network.ts';
import { service } from './service.ts';
import { serviceSettings } from './service-settings.ts';

type Row = [name: string, value: string, source: string];

/** What environments share is written down once, elsewhere. */
const shared: Record<string, ReturnType<typeof leaves>> = {
  'config/network.ts': leaves({ network }),
  'config/service.ts': leaves({ service }),
  'config/account.ts': leaves({ accountId, aws: { cluster: { adminRoleArns, allowedCidrs } } }),
};

function writtenIn(path: string, value: unknown, environment: string): string {
  const same = (each: { path: string; value: unknown }) =>
    each.path === path && JSON.stringify(each.value) === JSON.stringify(value);
  const [file] = Object.entries(shared).find(([, values]) => values.some(same)) ?? [];
  return file ?? `config/${environment}.ts`;
}

function rows(environment: Environment): Row[] {
  const { derived, written, name } = environment;
  return [
    ...leaves(valuesOf(environment)).map(
      ({ path, value }): Row => [
        path,
        Array.isArray(value) ? value.join(', ') || 'none' : String(value),
        written.has(path) ? writtenIn(path, value, name) : 'default of config/schema.ts',
      ],
    ),
    ...derivations.map(({ name, unit, rule }): Row => [name, `${derived[name]} ${unit}`, rule]),
    ...Object.entries(serviceSettings(environment)).map(
      ([name, value]): Row => [name, value ?? '', 'config/service-settings.ts'],
    ),
  ];
}

function print(table: readonly Row[]): void {
  const widths = [0, 1].map((column) => Math.max(...table.map((row) => (row[column] as string).length)));
  for (const [name, value, source] of table)
    process.stdout.write(`${name.padEnd(widths[0] as number)}  ${value.padEnd(widths[1] as number)}  ${source}\n`);
}

// `| head` stops reading when it has enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

try {
  // Here, and not above: an environment that contradicts itself fails as it is loaded.
  const { environmentNamed } = await import('./environments.ts');
  print(rows(environmentNamed(process.argv[2] || undefined)));
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
