// What the commands print: help, and failures without secrets.
import { DatabaseError } from 'pg';
import type * as z from 'zod';
import { SettingsError } from '../settings.ts';

/**
 * Answers `--help` with the settings that a command reads; everything else is a wrong argument.
 * @returns exit code: 0 for help, 2 otherwise
 */
export function printHelp(
  argv: readonly string[],
  command: string,
  does: string,
  schema: z.ZodObject,
  options: readonly string[] = [],
): number {
  const asked = argv.length === 1 && argv[0] === '--help';
  const lines = Object.entries(schema.shape).map(
    ([name, type]) => `  ${name}\n      ${(type as z.ZodType).description}`,
  );
  const usage = [
    `Usage: main.js ${command}${options.length > 0 ? ' [options]' : ''}`,
    '',
    does,
    ...(options.length > 0 ? ['', ...options.map((option) => `  ${option}`)] : []),
    '',
    'Settings (NAME, NAME_FILE or a file NAME in SETTINGS_DIR):',
    ...lines,
    '',
  ].join('\n');
  if (asked) process.stdout.write(usage);
  else process.stderr.write(`Wrong arguments.\n\n${usage}`);
  return asked ? 0 : 2;
}

/** One line, or one per faulty setting, on standard error. @returns exit code 1 */
export function reportFailure(command: string, error: unknown): number {
  const root = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const { message, code } = root as Error & { code?: string };
  const text =
    root instanceof SettingsError
      ? message
      : `${command} failed: ${message || code}${root instanceof DatabaseError ? ` (${code})` : ''}`;
  process.stderr.write(`${text}\n`);
  return 1;
}
