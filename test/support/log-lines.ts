// Holds what services have logged against the schema of the log.
import { logLine } from '../../observability/logs/schema.ts';
import type { LogLine } from './service.ts';

/** What is wrong with these lines, one text a line; standard error, such as Node's own words at a crash, is left out. */
export function faultsOfLines(lines: readonly LogLine[]): string[] {
  return lines
    .filter(({ level }) => level !== 'raw')
    .flatMap((line) => {
      const { error } = logLine.safeParse(line);
      return error ? [`${JSON.stringify(line)}: ${error.issues.map((issue) => issue.message).join('; ')}`] : [];
    });
}
