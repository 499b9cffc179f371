// What a rollout under load costs the requests: how long it took, and what of them failed why.
import { waitFor } from '../../support/wait.ts';
import type { Load } from './load.ts';
import type { Controller } from './load-balancer-controller.ts';
import type { SlowUpload } from './slow-upload.ts';
import type { Rollout } from './zero-loss-report.ts';

export interface RolloutOptions {
  what: string;
  load: Load;
  controller: Controller;
  replicas: number;
  /** Resolves when the Deployment says that it has rolled out. */
  start: () => Promise<void>;
  /** Under way since before the start. */
  upload?: Promise<SlowUpload> | undefined;
}

/** Resolves when so many more requests have been answered or have failed. */
export async function answeredMore(load: Load, requests: number): Promise<void> {
  const { requests: before } = await load.report();
  const enough = async () => (await load.report()).requests >= before + requests;
  await waitFor(`${requests} more requests`, enough, 60_000);
}

/** Starts it, and measures until the last old pod is gone and the upload has ended. */
export async function rollOut({ what, load, controller, replicas, start, upload }: RolloutOptions): Promise<Rollout> {
  const old = controller.pods();
  const before = await load.report();
  const from = performance.now();
  const since = () => (performance.now() - from) / 1000;
  await start();
  const rolledOutSeconds = since();
  const renewed = () => {
    const pods = controller.pods();
    return pods.length === replicas && !pods.some((pod) => old.includes(pod));
  };
  await waitFor('the end of the old pods', renewed, 120_000);
  const goneSeconds = since();
  const outlived = (await upload)?.outlivedMs;
  await answeredMore(load, 500);
  const after = await load.report();
  const requests = after.requests - before.requests;
  const reasons: Record<string, number> = {};
  for (const { path, reason } of after.failures.slice(before.failures.length)) {
    const name = `${path}: ${reason}`;
    reasons[name] = (reasons[name] ?? 0) + 1;
  }
  return {
    what,
    rolledOutSeconds,
    goneSeconds,
    requests,
    failed: after.failed - before.failed,
    requestsPerSecond: requests / (after.seconds - before.seconds),
    reasons,
    ...(outlived === undefined ? {} : { uploadOutlivedSeconds: outlived / 1000 }),
  };
}
