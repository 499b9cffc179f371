// The balancer of local/ as a process of its own: the stand-in for an Application Load Balancer and its target group.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { BalancerCounters } from '../../../local/balancer/balancer.ts';
import type { TargetView } from '../../../local/balancer/target-group.ts';

export interface BalancerView {
  targets: TargetView[];
  counters: BalancerCounters;
}

export interface LoadBalancer {
  readonly url: string;
  readonly pid: number;
  view(): Promise<BalancerView>;
  /** @param targets HOST:PORT of each; registers and deregisters until exactly these are registered */
  register(targets: readonly string[]): Promise<void>;
  stop(): Promise<void>;
}

export interface LoadBalancerOptions {
  /** From one health check of a target to the next. */
  intervalSeconds: number;
  /** How long requests of a deregistered target may go on. */
  deregistrationDelaySeconds: number;
}

export async function startLoadBalancer(options: LoadBalancerOptions): Promise<LoadBalancer> {
  const program = join(__dirname, '..', '..', '..', 'local', 'balancer', 'main.ts');
  const times = [
    `--interval-ms=${options.intervalSeconds * 1000}`,
    `--deregistration-delay-ms=${options.deregistrationDelaySeconds * 1000}`,
  ];
  const child = spawn(process.execPath, [program, ...times], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  const { url, control } = JSON.parse(line) as { url: string; control: string };
  const ask = async (init: RequestInit = {}) => {
    const answer = await fetch(control, init);
    const body = (await answer.json()) as BalancerView & { error?: string };
    if (body.error !== undefined) throw new Error(body.error);
    return body;
  };
  return {
    url,
    pid: child.pid as number,
    view: () => ask(),
    async register(targets) {
      await ask({ method: 'PUT', body: JSON.stringify(targets) });
    },
    async stop() {
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
    },
  };
}
