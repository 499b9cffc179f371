// The service with a part of its instrumentation taken out of the source, to measure what that part costs.
import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..', '..');

/** In a file of service/: what is there, and what stands there instead. */
type Edits = Readonly<Record<string, readonly (readonly [is: string, becomes: string])[]>>;

/** Each leaves a service that answers and logs the same; no more than what runs on the path of a request is taken out. */
export const parts = {
  tracing: {
    'app.ts': [
      ['const span = probe ? undefined : tracing?.request(exchange);', ''],
      ['await (span === undefined ? next() : span.run(next));', 'await next();'],
      ['span?.end(fault);', ''],
    ],
    'calls.ts': [
      ['const span = tracing?.call(dependency, operation, statement);', ''],
      ['span === undefined ? call() : span.run(call)', 'call()'],
      ['span?.end();', ''],
      ['span?.end(fault ? error : undefined);', ''],
    ],
    'exchange.ts': [
      ['spanId: string | undefined;', ''],
      [', spanId: this.spanId', ''],
    ],
    'middleware/observe.ts': [['spanId: exchange.spanId,', '']],
    'serve.ts': [
      ["import { openTracing } from './tracing/tracing.ts';", ''],
      ['await openTracing(settings, log)', 'undefined'],
      ['traceparent: tracing?.traceparent ', ''],
      ['tracing?.close()', ''],
    ],
  },
  /** Of calls to Redis, PostgreSQL and the object store, their metrics and spans; the metrics of requests stay. */
  'measured calls': {
    'serve.ts': [
      ["import { createCalls } from './calls.ts';", "import { unmeasured } from './calls.ts';"],
      ['createCalls(metrics, tracing)', 'unmeasured'],
    ],
  },
} as const satisfies Record<string, Edits>;

export type Part = keyof typeof parts;

/** The files that a part is taken out of, as they are then. @throws when one has changed, so that an edit does not fit any more */
export function sourcesWithout(part: Part): Record<string, string> {
  const edited = ([file, edits]: [string, Edits[string]]) => {
    let source = readFileSync(join(root, 'service', file), 'utf8');
    for (const [is, becomes] of edits) {
      const [before = '', after, ...more] = source.split(is);
      if (after === undefined || more.length > 0) {
        throw new Error(`service/${file} does not have once what test/bench/without.ts takes out of it: ${is}`);
      }
      source = before + becomes + after;
    }
    return [file, source];
  };
  return Object.fromEntries(Object.entries<Edits[string]>(parts[part]).map(edited));
}

/** Builds the service without a part by its own build, below `dir`. @returns the bundle's main.js */
export function buildWithout(part: Part, dir: string): string {
  const copy = join(dir, `without ${part}`);
  for (const name of ['service', 'package.json', 'tsconfig.json']) {
    cpSync(join(root, name), join(copy, name), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  for (const [file, source] of Object.entries(sourcesWithout(part))) {
    writeFileSync(join(copy, 'service', file), source);
  }
  const dist = join(copy, 'dist');
  execFileSync(process.execPath, [join(copy, 'service', 'build.mjs'), dist], {
    env: { ...process.env, NODE_ENV: 'production' },
  });
  return join(dist, 'main.js');
}
