// GET /files, GET, HEAD and DELETE /files/:id as clients see them.
import { randomBytes, randomUUID } from 'node:crypto';
import { ask } from '../support/client.ts';
import type { ServiceProcess } from '../support/service.ts';
import { type StoredFile, sendUpload } from '../support/uploads.ts';
import { waitFor } from '../support/wait.ts';
import { createWorld, describeS3, endWorld, type ServiceEnvironment, type World } from '../support/world.ts';

type Listing = { files: (StoredFile & { createdAt: string })[]; next: string | null };

function files(environment: (world: World) => Promise<ServiceEnvironment>): void {
  let world: World;
  let service: ServiceProcess;
  let other: ServiceProcess;
  let key: Record<string, string>;
  const bytes = randomBytes(1_000_000);
  let file: StoredFile;

  beforeAll(async () => {
    world = await createWorld();
    const overrides = { ...(await environment(world)), DOWNLOAD_CACHE_SECONDS: '77' };
    [service, other] = await Promise.all([world.start(overrides), world.start(overrides)]);
    key = { 'X-API-Key': world.adminKey };
    file = await store(bytes, 'räw "1".bin');
  });
  afterAll(endWorld);

  async function store(content: Uint8Array | string, name: string): Promise<StoredFile> {
    const disposition = `attachment; filename*=UTF-8''${encodeURIComponent(name)}`;
    const answer = await sendUpload(service.url, { ...key, 'Content-Disposition': disposition }, content);
    expect(answer.status).toBe(201);
    return answer.body;
  }

  async function get(path: string, headers: Record<string, string> = {}, method = 'GET') {
    const response = await fetch(`${other.url}${path}`, { method, headers: { ...key, ...headers } });
    return { status: response.status, headers: response.headers, body: Buffer.from(await response.arrayBuffer()) };
  }

  it('downloads through the other replica, as an attachment that a CDN may keep', async () => {
    const answer = await get(file.url);
    expect(answer.status).toBe(200);
    expect(answer.body.equals(bytes)).toBe(true);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-length': '1000000',
      'content-disposition': `attachment; filename="r_w _1_.bin"; filename*=UTF-8''r%C3%A4w%20%221%22.bin`,
      etag: `"${file.sha256}"`,
      'accept-ranges': 'bytes',
      'cache-control': 'public, max-age=77, must-revalidate',
      vary: 'X-API-Key',
      'x-content-type-options': 'nosniff',
    });
    expect(Date.parse(answer.headers.get('last-modified') ?? '')).toBeGreaterThan(Date.now() - 600_000);
  });

  it('answers HEAD with the same headers and no body', async () => {
    const [whole, head] = [await get(file.url), await get(file.url, {}, 'HEAD')];
    expect([head.status, head.body.length]).toEqual([200, 0]);
    for (const name of [
      'content-type',
      'content-length',
      'content-disposition',
      'etag',
      'last-modified',
      'cache-control',
    ]) {
      expect([name, head.headers.get(name)]).toEqual([name, whole.headers.get(name)]);
    }
  });

  it.each([
    ['bytes=0-9', 0, 10],
    ['bytes=999990-', 999_990, 1_000_000],
    ['bytes=-7', 999_993, 1_000_000],
    ['bytes=500000-2000000', 500_000, 1_000_000],
  ])('answers the range %s', async (range, start, end) => {
    const answer = await get(file.url, { Range: range });
    expect(answer.status).toBe(206);
    expect(answer.headers.get('content-range')).toBe(`bytes ${start}-${end - 1}/1000000`);
    expect(answer.headers.get('content-length')).toBe(`${end - start}`);
    expect(answer.body.equals(bytes.subarray(start, end))).toBe(true);
  });

  it('answers 416 outside the file, and the whole file for ranges it does not serve', async () => {
    const outside = await get(file.url, { Range: 'bytes=1000000-' });
    expect([outside.status, outside.headers.get('content-range')]).toEqual([416, 'bytes */1000000']);
    expect(outside.headers.get('cache-control')).toBe('no-store');
    for (const range of ['bytes=0-1,3-4', 'bytes=4-3', 'lines=1-2']) {
      expect((await get(file.url, { Range: range })).status).toBe(200);
    }
  });

  it('answers conditional requests', async () => {
    const etag = `"${file.sha256}"`;
    const known = await get(file.url, { 'If-None-Match': `"x", W/${etag}` });
    expect([known.status, known.body.length, known.headers.get('etag')]).toEqual([304, 0, etag]);
    expect(known.headers.get('cache-control')).toBe('public, max-age=77, must-revalidate');
    const failed = await get(file.url, { 'If-Match': '"x"' });
    expect([failed.status, JSON.parse(`${failed.body}`).code]).toEqual([412, 'precondition_failed']);
    expect((await get(file.url, { 'If-Match': etag })).status).toBe(200);
    expect((await get(file.url, { 'If-Range': etag, Range: 'bytes=0-0' })).status).toBe(206);
    expect((await get(file.url, { 'If-Range': '"x"', Range: 'bytes=0-0' })).status).toBe(200);
    const modified = (await get(file.url)).headers.get('last-modified') ?? '';
    expect((await get(file.url, { 'If-Modified-Since': modified })).status).toBe(304);
  });

  it('shows harmless types in place, and markup never', async () => {
    const text = await get((await store('hello', 'a.txt')).url);
    expect(text.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(text.headers.get('content-disposition')).toMatch(/^inline; /);
    for (const markup of ['<html><script>alert(1)</script>', '<svg onload="alert(1)">']) {
      const answer = await get((await store(markup, 'a.html')).url);
      expect(answer.headers.get('content-type')).toBe('application/octet-stream');
      expect(answer.headers.get('content-disposition')).toMatch(/^attachment; /);
    }
  });

  it('serves an empty file', async () => {
    const empty = await store('', 'empty');
    const answer = await get(empty.url);
    expect([answer.status, answer.body.length, answer.headers.get('content-length')]).toEqual([200, 0, '0']);
    expect((await get(empty.url, { Range: 'bytes=0-' })).status).toBe(416);
  });

  it('deletes: gone at once here, and within 5 s on the other replica', async () => {
    const gone = await store('x', 'gone');
    expect((await get(gone.url)).status).toBe(200);
    const answer = await ask(`${service.url}${gone.url}`, { method: 'DELETE', headers: key });
    expect([answer.status, answer.body]).toEqual([204, '']);
    expect((await ask(`${service.url}${gone.url}`, { headers: key })).body).toMatchObject({ code: 'not_found' });
    await waitFor('the other replica', async () => (await get(gone.url, {}, 'HEAD')).status === 404, 5000);
    const again = await ask(`${service.url}${gone.url}`, { method: 'DELETE', headers: key });
    expect(again.status).toBe(404);
  });

  it.each([
    ['/files/not-an-id', 422, 'invalid_input'],
    [`/files/${randomUUID()}`, 404, 'not_found'],
    [`/files/${randomUUID().slice(1)}%00`, 400, 'invalid_path'],
    ['/files?cursor=nonsense', 422, 'invalid_input'],
    ['/files?limit=0', 422, 'invalid_input'],
    ['/files?limit=101', 422, 'invalid_input'],
    ['/files?limit=x', 422, 'invalid_input'],
    ['/files?page=2', 422, 'invalid_input'],
  ])('%s answers %d', async (path, status, code) => {
    expect(await ask(`${service.url}${path}`, { headers: key })).toMatchObject({ status, body: { code } });
  });

  it('lists newest first, page by page, while files come and go', async () => {
    const stored: string[] = [];
    for (let n = 0; n < 7; n++) stored.unshift((await store(`${n}`, `list-${n}.txt`)).id);
    const page = async (query: string) => (await ask(`${other.url}/files${query}`, { headers: key })).body as Listing;
    const first = await page('?limit=3');
    expect(first.files.map(({ id }) => id)).toEqual(stored.slice(0, 3));
    expect(first.files[0]).toMatchObject({
      name: 'list-6.txt',
      type: 'text/plain',
      size: 1,
      url: `/files/${stored[0]}`,
    });
    await ask(`${service.url}/files/${stored[2]}`, { method: 'DELETE', headers: key });
    await store('new', 'list-new.txt');
    const second = await page(`?limit=3&cursor=${first.next}`);
    expect(second.files.map(({ id }) => id)).toEqual(stored.slice(3, 6));
    let all: Listing = await page('?limit=100');
    expect(all.next).toBeNull();
    const walked: string[] = [];
    for (let cursor = ''; ; cursor = `&cursor=${all.next}`) {
      all = await page(`?limit=2${cursor}`);
      walked.push(...all.files.map(({ id }) => id));
      if (all.next === null) break;
    }
    expect(new Set(walked).size).toBe(walked.length);
    expect(walked).toEqual(walked.toSorted().reverse());
    expect((await page('')).files.length).toBe(Math.min(20, walked.length));
  });
}

describe('files on disk', () => files(async ({ environment }) => environment));
describeS3('files on S3', () => files(async (world) => ({ ...(await world.s3Environment()), OBJECTS_DIR: undefined })));
