// The process: picks the command. Without one it serves.
import { loadSettings, SettingsError } from './settings.ts';

const usage = `Usage: main.js [command]

Without a command: serves, with settings from the environment (NAME, NAME_FILE or a file NAME in SETTINGS_DIR).

  --check-settings   checks the settings: exit 0, or 1 with every fault
  bootstrap          makes database, roles and users; needs a master credential
  migrate            brings the schema up to date; needs the migrator's credential
  admin-key          makes an API key with every scope and prints it
  --help             this text
`;

const commands: Record<
  string,
  () => Promise<{ run(environment: NodeJS.ProcessEnv, argv: readonly string[]): Promise<number> }>
> = {
  bootstrap: () => import('./commands/bootstrap.ts'),
  migrate: () => import('./commands/migrate.ts'),
  'admin-key': () => import('./commands/admin-key.ts'),
};

async function main(argv: readonly string[]): Promise<number | undefined> {
  const [command, ...rest] = argv;
  if (command === undefined) {
    const { serve } = await import('./serve.ts');
    return serve(loadSettings(process.env));
  }
  if (command === '--help') {
    process.stdout.write(usage);
    return 0;
  }
  if (command === '--check-settings') {
    loadSettings(process.env);
    process.stdout.write('The settings are valid.\n');
    return 0;
  }
  const load = Object.hasOwn(commands, command) ? commands[command] : undefined;
  if (load === undefined) {
    process.stderr.write(`There is no command ${command}.\n\n${usage}`);
    return 2;
  }
  return (await load()).run(process.env, rest);
}

try {
  const code = await main(process.argv.slice(2));
  if (code !== undefined) process.exitCode = code;
} catch (error) {
  process.stderr.write(
    `${error instanceof SettingsError ? error.message : `cannot start: ${(error as Error).message}`}\n`,
  );
  process.exitCode = 1;
}
