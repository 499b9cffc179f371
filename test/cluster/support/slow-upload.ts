// An upload that takes its time, so that a rollout happens meanwhile.
import { randomBytes } from 'node:crypto';
import { beginUpload, sha256 } from '../../support/uploads.ts';
import type { LoadBalancer } from './load-balancer.ts';

export interface SlowUpload {
  status: number;
  /** What went wrong, or empty. */
  fault: string;
  /** Whether the answer and the file, read back, have the digest of what was sent. */
  intact: boolean;
  /** How long it went on after its pod had been deregistered. */
  outlivedMs: number;
}

const piecesPerSecond = 10;
const pieceBytes = 10_000;
const lookMs = 100;

/** Sends a file through the load balancer in about `seconds` and reads it back. Never rejects. */
export async function slowUpload(balancer: LoadBalancer, key: string, seconds: number): Promise<SlowUpload> {
  const bytes = randomBytes(seconds * piecesPerSecond * pieceBytes);
  const headers = {
    'X-API-Key': key,
    'Content-Disposition': 'attachment; filename=slow.bin',
    'Content-Length': `${bytes.length}`,
  };
  const { request, answer } = beginUpload(balancer.url, headers);
  let at = 0;
  const pace = setInterval(() => {
    request.write(bytes.subarray(at, at + pieceBytes));
    at += pieceBytes;
    if (at < bytes.length && !request.destroyed) return;
    clearInterval(pace);
    request.end();
  }, 1000 / piecesPerSecond);
  const outlived = watchDraining(balancer, answer);
  try {
    const { status, body } = await answer;
    if (status !== 201) return { status, fault: `status ${status}`, intact: false, outlivedMs: await outlived };
    const file = await fetch(`${balancer.url}/files/${body.id}`, { headers: { 'X-API-Key': key } });
    const read = sha256(new Uint8Array(await file.arrayBuffer()));
    const intact = body.sha256 === sha256(bytes) && read === body.sha256;
    return { status, fault: '', intact, outlivedMs: await outlived };
  } catch (error) {
    return { status: 0, fault: (error as Error).message, intact: false, outlivedMs: await outlived };
  } finally {
    clearInterval(pace);
  }
}

/** Longest time in ms that a draining target was busy: other requests are too short to be seen. */
async function watchDraining(balancer: LoadBalancer, answer: Promise<unknown>): Promise<number> {
  const since = new Map<string, number>();
  let longest = 0;
  let over = false;
  const end = () => {
    over = true;
  };
  answer.then(end, end);
  while (!over) {
    const { targets } = await balancer.view();
    for (const { host, state, inFlight } of targets) {
      if (state !== 'draining' || inFlight === 0) continue;
      if (!since.has(host)) since.set(host, performance.now());
      longest = Math.max(longest, performance.now() - (since.get(host) as number));
    }
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
  return longest;
}
