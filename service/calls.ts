// Calls to what the service depends on, each measured, and a child span of its request where there are traces.
import type { Metrics } from './metrics.ts';
import type { Tracing } from './tracing/tracing.ts';

export type Dependency = 'redis' | 'postgres' | 'objects';

/** What a call sends, as far as a trace may show it: a statement's name and its text with placeholders. */
export interface Statement {
  name?: string;
  text: string;
}

/** Makes a call and measures it. Gives back the call's own promise. */
export type Measure = <T>(call: () => Promise<T>, statement?: Statement) => Promise<T>;

/**
 * Prepares the measuring of one operation; keep what it gives.
 *
 * @param operation one of few names: it is a label of the metric
 * @param isFault whether a rejection is the dependency's; others, such as a client that left, count neither as ok nor as error
 */
export type Calls = (dependency: Dependency, operation: string, isFault?: (error: unknown) => boolean) => Measure;

/** For those who have nothing to show their measurements on, such as a command. */
export const unmeasured: Calls = () => (call) => call();

export function createCalls(metrics: Pick<Metrics, 'dependency'>, tracing: Tracing | undefined): Calls {
  return (dependency, operation, isFault = () => true) => {
    const observe = metrics.dependency(dependency, operation);
    return (call, statement) => {
      const span = tracing?.call(dependency, operation, statement);
      const start = performance.now();
      const result = span === undefined ? call() : span.run(call);
      result.then(
        () => {
          observe('ok', (performance.now() - start) / 1000);
          span?.end();
        },
        (error: unknown) => {
          const fault = isFault(error);
          if (fault) observe('error', (performance.now() - start) / 1000);
          span?.end(fault ? error : undefined);
        },
      );
      return result;
    };
  };
}
