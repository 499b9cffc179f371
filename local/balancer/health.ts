// Active health checks of one target, with thresholds as a target group has them.
import { request } from 'node:http';

export interface HealthCheckSettings {
  /** Path that must answer 200. */
  path: string;
  /** From the start of one check to the start of the next, in ms. */
  intervalMs: number;
  /** A check without an answer for so long has failed, in ms. */
  timeoutMs: number;
  /** Successes in a row that make an unhealthy target healthy; a new target needs one. */
  healthyThreshold: number;
  /** Failures in a row that make a target unhealthy. */
  unhealthyThreshold: number;
}

export type Health = 'initial' | 'healthy' | 'unhealthy';

export interface HealthCheck {
  readonly health: Health;
  /** Why the last check failed: a status or an error code; empty after a success. */
  readonly reason: string;
  stop(): void;
}

function check(host: string, port: number, settings: HealthCheckSettings): Promise<string> {
  return new Promise((resolve) => {
    const asked = request({
      host,
      port,
      path: settings.path,
      // A fresh connection each time: the target's readiness to accept is part of its health.
      agent: false,
      headers: { host: `${host}:${port}`, 'user-agent': 'ELB-HealthChecker/2.0', connection: 'close' },
    });
    const timer = setTimeout(() => asked.destroy(Object.assign(new Error(), { code: 'timeout' })), settings.timeoutMs);
    asked.once('response', (answer) => {
      clearTimeout(timer);
      answer.resume();
      resolve(answer.statusCode === 200 ? '' : `${answer.statusCode}`);
    });
    asked.on('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      resolve(error.code ?? 'failed');
    });
    asked.end();
  });
}

/** Checks a target at once and then at each interval until it is stopped; `changed` is called when its health changes. */
export function watchHealth(
  host: string,
  port: number,
  settings: HealthCheckSettings,
  changed: (health: Health, reason: string) => void,
): HealthCheck {
  let health: Health = 'initial';
  let reason = '';
  let inARow = 0;
  let succeeded = false;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;

  const settle = (failure: string) => {
    inARow = succeeded === (failure === '') ? inARow + 1 : 1;
    succeeded = failure === '';
    reason = failure;
    const threshold = succeeded ? (health === 'initial' ? 1 : settings.healthyThreshold) : settings.unhealthyThreshold;
    const next = succeeded ? 'healthy' : 'unhealthy';
    if (next === health || inARow < threshold) return;
    health = next;
    changed(health, reason);
  };
  const round = async () => {
    const started = performance.now();
    const failure = await check(host, port, settings);
    if (stopped) return;
    settle(failure);
    timer = setTimeout(round, Math.max(0, settings.intervalMs - (performance.now() - started)));
  };
  void round();
  return {
    get health() {
      return health;
    },
    get reason() {
      return reason;
    },
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
