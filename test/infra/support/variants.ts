// Templates and manifests of environments with some values changed, made in a process of its own.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, type Template, template } from './templates.ts';

/**
 * @param base the environment that is changed
 * @param changes by name
 */
export function makeVariants<Name extends string>(base: string, changes: Readonly<Record<Name, object>>) {
  const folder = mkdtempSync(join(tmpdir(), 'infra-variants-'));
  const given = Object.entries(changes).map(([name, change]) => JSON.stringify({ name, base, change }));
  const { stderr, status } = spawnSync('local/node', ['test/infra/support/variant.ts', folder, ...given], {
    cwd: root,
    encoding: 'utf8',
  });
  if (status !== 0 || stderr !== '') throw new Error(`status ${status}: ${stderr}`);
  const refusalFile = (name: Name) => join(folder, `${name}.txt`);
  const refusal = (name: Name) => readFileSync(refusalFile(name), 'utf8');
  return {
    /** Where each has a folder of its name. */
    folder,
    /** What was said of one that config/ refuses. */
    refusal,
    /** @throws the refusal */
    of(name: Name, stack: string): Template {
      if (existsSync(refusalFile(name))) throw new Error(refusal(name));
      return template(base, stack, join(folder, name));
    },
    /** All manifests as one text. */
    charts: (name: Name) => readFileSync(join(folder, name, 'charts.yaml'), 'utf8'),
    remove: () => rmSync(folder, { recursive: true }),
  };
}
