// POST /upload of 64 MB, 16 at a time in all, against a server that only pipes the request to the same store.

import { randomFillSync } from 'node:crypto';
import { DeleteObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { s3Client } from '../../support/s3.ts';
import { beginUpload, formOf } from '../../support/uploads.ts';
import { type Comparison, of } from '../comparison.ts';
import { cpuMicros, peakMemory } from '../cpu.ts';
import { interleave, type Subject } from '../measure.ts';
import type { Server, Stage } from '../stage.ts';
import { type Ratio, ratio } from '../statistics.ts';

const fileBytes = 64 * 1024 * 1024;
/** At the same time, in each slice. */
const uploads = 16;
const block = randomFillSync(Buffer.allocUnsafe(1024 * 1024));
const form = formOf('\0');
const at = form.body.lastIndexOf('\0');
const framings = {
  raw: { headers: { 'Content-Type': 'application/octet-stream' }, before: Buffer.alloc(0), after: Buffer.alloc(0) },
  form: { headers: form.headers, before: form.body.subarray(0, at), after: form.body.subarray(at + 1) },
};

async function uploadOne(server: Server, framing: keyof typeof framings, key: string): Promise<void> {
  const { headers, before, after } = framings[framing];
  const length = before.length + fileBytes + after.length;
  const { request, answer } = beginUpload(`http://127.0.0.1:${server.port}`, {
    ...headers,
    'Content-Length': `${length}`,
    'X-API-Key': key,
  });
  request.write(before);
  for (let written = 0; written < fileBytes; written += block.length) {
    if (!request.write(block)) await Promise.race([new Promise((resolve) => request.once('drain', resolve)), answer]);
  }
  request.end(after);
  const { status, body } = await answer;
  if (status !== 201) throw new Error(`${server.name} answered an upload with ${status}: ${JSON.stringify(body)}`);
}

export async function compareUploads(stage: Stage): Promise<Comparison[]> {
  const { s3 } = stage;
  if (s3 === undefined) return [];
  const client = s3Client(s3);
  const empty = async () => {
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: s3.bucket }));
    for (const { Key } of Contents) await client.send(new DeleteObjectCommand({ Bucket: s3.bucket, Key }));
  };
  const peer = {
    S3_ENDPOINT: s3.endpoint,
    S3_BUCKET: s3.bucket,
    AWS_ACCESS_KEY_ID: s3.accessKey,
    AWS_SECRET_ACCESS_KEY: s3.secretKey,
  };
  const servers = {
    raw: await stage.startService(),
    form: await stage.startService(),
    bare: await stage.startPeer('bare', 'upload-pipe.ts', peer),
    again: await stage.startPeer('bare again', 'upload-pipe.ts', peer),
  };
  const subject = (name: keyof typeof servers): Subject => ({
    name,
    async slice() {
      const server = servers[name];
      const before = cpuMicros(server.pid);
      const one = () => uploadOne(server, name === 'form' ? 'form' : 'raw', stage.adminKey);
      await Promise.all(Array.from({ length: uploads }, one));
      const used = cpuMicros(server.pid) - before;
      await empty();
      return used / 1000 / uploads;
    },
  });
  const rounds = await interleave(stage, [subject('raw'), subject('form'), subject('bare'), subject('again')], 1);
  const peaks = Object.fromEntries(Object.entries(servers).map(([name, { pid }]) => [name, peakMemory(pid) / 1e6]));
  for (const server of Object.values(servers)) await server.stop();
  client.destroy();

  const bare = of(rounds, 'bare');
  const peerName = 'node:http pipe';
  const same = (value: number): Ratio => ({ value, lowest: value, highest: value });
  const peak = (name: string) => peaks[name] as number;
  return (['raw', 'form'] as const).flatMap((name): Comparison[] => {
    const what = name === 'raw' ? 'as the raw body' : 'in a form';
    return [
      {
        title: `POST /upload of 64 MB ${what}, 16 at once, efficiency against a pipe to the same store`,
        unit: 'CPU ms per upload',
        service: Math.min(...of(rounds, name)),
        peer: Math.min(...bare),
        peerName,
        ratio: ratio(bare, of(rounds, name)),
        peerAgainstItself: ratio(of(rounds, 'again'), bare),
        bound: { kind: 'at least', floor: 0.6 },
        holdsBack:
          'The pipe does not hash: SHA-256 of 64 MB alone costs two thirds of what moving them costs the pipe.',
      },
      {
        title: `Peak resident memory of these uploads ${what}, against the pipe`,
        unit: 'MB',
        service: peak(name),
        peer: peak('bare'),
        peerName,
        ratio: same(peak(name) / peak('bare')),
        peerAgainstItself: same(peak('again') / peak('bare')),
        bound: { kind: 'at most', floor: 1.5 },
        holdsBack: 'The process itself, with all its modules, is larger than the bare one before the first upload.',
      },
    ];
  });
}
