// Programs that are asked something: their answer, or what they said instead.
import { spawnSync } from 'node:child_process';

export interface Answer {
  ok: boolean;
  stdout: string;
  /** The last line of what it complained of. */
  complaint: string;
}

export function ask(program: string, ...args: readonly string[]): Answer {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8' });
  const complaint = error?.message ?? stderr.trim().split('\n').at(-1) ?? '';
  return { ok: status === 0, stdout: (stdout ?? '').trim(), complaint: complaint.trim() };
}

/** @throws Error with the command and its complaint */
export function insist(program: string, ...args: readonly string[]): string {
  const { ok, stdout, complaint } = ask(program, ...args);
  if (!ok) throw new Error(`${[program, ...args].join(' ')}: ${complaint}`);
  return stdout;
}
