// The service's Prometheus metrics. Labels are route templates, known methods and statuses: their number is bounded.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Dependency } from './calls.ts';

const methods = new Set(['GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS']);

/** One number, with the values of its labels. */
export interface Sample {
  labels: Record<string, string>;
  value: number;
}

export interface Metrics {
  registry: Registry;
  /** Counts one answered request. @param seconds from the first byte of the request to the end of the answer */
  request(method: string, route: string, status: number, seconds: number): void;
  /** Prepares the measuring of one operation of a dependency: keep what it gives. */
  dependency(dependency: Dependency, operation: string): (outcome: 'ok' | 'error', seconds: number) => void;
  /** Counts a request that was refused before it had a route, such as one that is not HTTP. */
  refused(code: string): void;
  /** Shows numbers that are read when Prometheus asks: a level, or a count that only grows. */
  show(
    type: 'gauge' | 'counter',
    name: string,
    help: string,
    labels: readonly string[],
    read: () => readonly Sample[],
  ): void;
}

export function createMetrics(instance: string): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ instance_name: instance });
  collectDefaultMetrics({ register: registry });
  const requests = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time from the arrival of a request to the end of its answer.',
    labelNames: ['method', 'route', 'status'],
    // Dense around the objectives of 45, 120 and 250 ms.
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.045, 0.08, 0.12, 0.18, 0.25, 0.5, 1, 2.5, 10, 60],
    registers: [registry],
  });
  const calls = new Histogram({
    name: 'dependency_request_duration_seconds',
    help: 'Time of a call to a dependency: its answer, or the begin of a stream.',
    labelNames: ['dependency', 'operation', 'outcome'],
    // From a round trip to Redis to an upload that takes its whole time.
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60],
    registers: [registry],
  });
  const refusals = new Counter({
    name: 'http_requests_refused_total',
    help: 'Requests refused before they had a route.',
    labelNames: ['code'],
    registers: [registry],
  });
  // Looking a child up by its labels costs more than observing: keep them.
  const children = new Map<string, { observe(seconds: number): void }>();
  return {
    registry,
    request(method, route, status, seconds) {
      const known = methods.has(method) ? method : 'other';
      const key = `${known} ${status} ${route}`;
      let child = children.get(key);
      if (child === undefined) {
        child = requests.labels(known, route, `${status}`);
        children.set(key, child);
      }
      child.observe(seconds);
    },
    dependency(dependency, operation) {
      const outcomes = {
        ok: calls.labels(dependency, operation, 'ok'),
        error: calls.labels(dependency, operation, 'error'),
      };
      return (outcome, seconds) => outcomes[outcome].observe(seconds);
    },
    refused(code) {
      refusals.inc({ code });
    },
    show(type, name, help, labels, read) {
      const options = { name, help, labelNames: [...labels], registers: [registry] };
      if (type === 'gauge') {
        const collect = function (this: Gauge) {
          this.reset();
          // Without labels, that has made it 0; what is not known is no series.
          if (labels.length === 0) this.remove({});
          for (const { labels: values, value } of read()) this.set(values, value);
        };
        new Gauge({ ...options, collect });
      } else {
        const collect = function (this: Counter) {
          this.reset();
          for (const { labels: values, value } of read()) this.inc(values, value);
        };
        new Counter({ ...options, collect });
      }
    },
  };
}
