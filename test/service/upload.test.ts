// POST /upload as clients see it.
import { readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { Client } from 'pg';
import { ask } from '../support/client.ts';
import type { ServiceProcess } from '../support/service.ts';
import { beginUpload, formOf, sendUpload, sha256 } from '../support/uploads.ts';
import { waitFor } from '../support/wait.ts';
import { createWorld, endWorld, type World } from '../support/world.ts';

const maxBytes = 3_000_000;

describe('POST /upload', () => {
  let world: World;
  let service: ServiceProcess;
  let other: ServiceProcess;
  let key: Record<string, string>;
  let database: Client;

  beforeAll(async () => {
    world = await createWorld();
    [service, other] = await Promise.all([
      world.start({ MAX_UPLOAD_BYTES: `${maxBytes}` }),
      world.start({ MAX_UPLOAD_BYTES: `${maxBytes}` }),
    ]);
    key = { 'X-API-Key': world.adminKey };
    database = new Client({ connectionString: world.superuserUrl });
    await database.connect();
  });
  afterAll(async () => {
    await database?.end();
    await endWorld();
  });

  const objects = () =>
    readdirSync(world.environment.OBJECTS_DIR as string, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    ).length;
  const rows = async (where = 'true') => (await database.query(`SELECT id FROM files WHERE ${where}`)).rowCount ?? 0;
  /** Everything in the stores, to compare with. */
  const everything = async () => [objects(), await rows(), (await database.query('TABLE upload_keys')).rowCount];

  it('stores a raw body under the name of Content-Disposition, with its hash and its type', async () => {
    const answer = await sendUpload(
      service.url,
      { ...key, 'Content-Disposition': `attachment; filename="x"; filename*=UTF-8''na%C3%AFve%20%E2%82%AC.txt` },
      'hello',
    );
    const id = answer.body.id;
    expect(answer).toMatchObject({
      status: 201,
      headers: { location: `/files/${id}` },
      body: { name: 'naïve €.txt', type: 'text/plain', size: 5, sha256: sha256('hello'), url: `/files/${id}` },
    });
    expect(Object.keys(answer.body)).toEqual(['id', 'name', 'type', 'size', 'sha256', 'url']);
    const download = await ask(`${other.url}/files/${id}`, { headers: key });
    expect([download.status, download.body]).toEqual([200, 'hello']);
  });

  it.each([
    ['known', {}],
    ['unknown', { 'Transfer-Encoding': 'chunked' }],
  ])('stores the file of a form (%s length)', async (_, framing) => {
    const content = Buffer.alloc(500_000, 'abc\r\n--');
    const { headers, body } = formOf(content, 'name="file"; filename="../C:\\dir\\ü.bin"');
    const answer = await sendUpload(service.url, { ...key, ...headers, ...framing }, body);
    expect(answer).toMatchObject({
      status: 201,
      body: { name: 'ü.bin', size: content.length, sha256: sha256(content) },
    });
  });

  it('takes the form of a browser, fields first', async () => {
    const form = new FormData();
    form.append('note', 'before the file');
    const content = Buffer.alloc(1_000_000, 'z');
    form.append('file', new Blob([content], { type: 'text/csv' }), '数据.csv');
    const answer = await ask(`${service.url}/upload`, { method: 'POST', headers: key, body: form });
    expect(answer).toMatchObject({
      status: 201,
      body: { name: '数据.csv', type: 'text/csv', size: content.length, sha256: sha256(content) },
    });
  });

  it('stores an empty file', async () => {
    const empty = { status: 201, body: { size: 0, name: 'unnamed', sha256: sha256('') } };
    expect(await sendUpload(service.url, key, '')).toMatchObject(empty);
    const { headers, body } = formOf('', 'name="file"; filename=""');
    expect(await sendUpload(service.url, { ...key, ...headers }, body)).toMatchObject(empty);
  });

  it.each<[string, Record<string, string>, Buffer | string, number, string]>([
    ['an encoded body', { 'Content-Encoding': 'gzip' }, 'x', 415, 'unsupported_media_type'],
    [
      'another kind of form',
      { 'Content-Type': 'application/x-www-form-urlencoded' },
      'a=b',
      415,
      'unsupported_media_type',
    ],
    [
      'another multipart type',
      { 'Content-Type': 'multipart/mixed; boundary=x' },
      '--x--',
      415,
      'unsupported_media_type',
    ],
    ['a form without a boundary', { 'Content-Type': 'multipart/form-data' }, '--x--', 422, 'invalid_multipart'],
    [
      'a form without a file',
      formOf('x', 'name="other"').headers,
      formOf('x', 'name="other"').body,
      422,
      'invalid_multipart',
    ],
    [
      'a form that is cut short',
      formOf('').headers,
      formOf('x'.repeat(90_000)).body.subarray(0, -9),
      422,
      'invalid_multipart',
    ],
    [
      'a field after the file',
      formOf('').headers,
      Buffer.concat([
        formOf('x'.repeat(200_000)).body.subarray(0, -4),
        Buffer.from('\r\n'),
        formOf('y', 'name="z"').body,
      ]),
      422,
      'invalid_multipart',
    ],
    ['an idempotency key with a space', { 'Idempotency-Key': 'a b' }, 'x', 422, 'invalid_input'],
    ['an idempotency key that is too long', { 'Idempotency-Key': 'x'.repeat(256) }, 'x', 422, 'invalid_input'],
    ['a file that is too large', {}, Buffer.alloc(maxBytes + 1), 413, 'body_too_large'],
    [
      'a chunked file that is too large',
      { 'Transfer-Encoding': 'chunked' },
      Buffer.alloc(maxBytes + 1),
      413,
      'body_too_large',
    ],
    [
      'a form with a file that is too large',
      formOf('').headers,
      formOf(Buffer.alloc(maxBytes + 1)).body,
      413,
      'body_too_large',
    ],
  ])('refuses %s and keeps nothing of it', async (_, headers, body, status, code) => {
    const before = await everything();
    expect(await sendUpload(service.url, { ...key, ...headers }, body)).toMatchObject({ status, body: { code } });
    expect(await everything()).toEqual(before);
  });

  it('takes a file of exactly the largest size', async () => {
    const content = Buffer.alloc(maxBytes, 'm');
    expect(await sendUpload(service.url, key, content)).toMatchObject({ status: 201, body: { size: maxBytes } });
    const { headers, body } = formOf(content);
    expect(await sendUpload(service.url, { ...key, ...headers }, body)).toMatchObject({ status: 201 });
  });

  it('answers 413 before the body has come, when Content-Length says so', async () => {
    const { request, answer } = beginUpload(service.url, { ...key, 'Content-Length': `${maxBytes + 1}` });
    request.write('x');
    expect(await answer).toMatchObject({ status: 413, body: { code: 'body_too_large' } });
    request.destroy();
  });

  it('needs a body and a key that may write', async () => {
    const headless = await ask(`${service.url}/upload`, { method: 'POST' });
    expect(headless.body).toMatchObject({ code: 'key_missing' });
    const made = await ask(`${service.url}/keys`, {
      method: 'POST',
      headers: { ...key, 'Content-Type': 'application/json' },
      body: JSON.stringify({ name: 'reader', scopes: ['files:read'] }),
    });
    const reader = { 'X-API-Key': (made.body as { key: string }).key };
    expect(await sendUpload(service.url, reader, 'x')).toMatchObject({ status: 403, body: { code: 'scope_missing' } });
    const bodiless = await new Promise<string>((resolve) => {
      const socket = connect(service.port, '127.0.0.1');
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk;
      });
      socket.on('close', () => resolve(text));
      socket.write(`POST /upload HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-API-Key: ${world.adminKey}\r\n\r\n`);
    });
    expect(bodiless).toMatch(/^HTTP\/1\.1 411 [\s\S]*"length_required"/);
  });

  it.each([
    ['known', { 'Content-Length': '2000000' }],
    ['unknown', { 'Transfer-Encoding': 'chunked' }],
  ])('keeps nothing of an upload whose client goes away (%s length)', async (_, framing) => {
    const before = await everything();
    const { request } = beginUpload(service.url, { ...key, ...framing, 'Idempotency-Key': 'gone' });
    request.write(Buffer.alloc(1_000_000));
    await waitFor('the transfer to begin', async () => objects() > (before[0] as number));
    expect(await rows('pending_since IS NOT NULL')).toBe(1);
    const list = await ask(`${service.url}/files?limit=100`, { headers: key });
    expect((list.body as { files: unknown[] }).files.length).toBe(await rows('pending_since IS NULL'));
    request.destroy();
    await waitFor('the clean-up', async () => `${await everything()}` === `${before}`);
    const again = await sendUpload(service.url, { ...key, 'Idempotency-Key': 'gone' }, 'now it works');
    expect(again.status).toBe(201);
    await ask(`${service.url}/files/${again.body.id}`, { method: 'DELETE', headers: key });
    await database.query('DELETE FROM upload_keys');
  });

  describe('with an Idempotency-Key', () => {
    const named = (name: string, idempotencyKey: string) => ({
      ...key,
      'Content-Disposition': `attachment; filename="${name}"`,
      'Idempotency-Key': idempotencyKey,
    });

    it('answers the same upload with the first answer on each replica, and stores nothing more', async () => {
      const first = await sendUpload(service.url, named('a.txt', 'same'), 'content');
      const before = await everything();
      const again = await sendUpload(other.url, named('a.txt', 'same'), 'content');
      expect(again).toMatchObject({ status: 201, body: first.body, headers: { location: first.body.url } });
      expect(await everything()).toEqual(before);
    });

    it.each([
      ['other bytes', 'a.txt', 'other', 'text/plain'],
      ['another name', 'b.txt', 'content', 'text/plain'],
      ['another type', 'a.txt', 'content', 'text/csv'],
    ])('refuses %s', async (what, name, content, type) => {
      const idempotencyKey = `mismatch ${what}`.replaceAll(' ', '-');
      await sendUpload(service.url, named('a.txt', idempotencyKey), 'content');
      const before = await everything();
      const answer = await sendUpload(service.url, { ...named(name, idempotencyKey), 'Content-Type': type }, content);
      expect(answer).toMatchObject({ status: 422, body: { code: 'idempotency_mismatch' } });
      expect(await everything()).toEqual(before);
    });

    it('answers 409 while the first one runs, and then its answer', async () => {
      const headers = named('slow.txt', 'slow');
      const slow = beginUpload(service.url, { ...headers, 'Content-Length': '7' });
      slow.request.write('con');
      await waitFor(
        'the claim',
        async () => (await database.query(`SELECT FROM upload_keys WHERE key = 'slow'`)).rowCount === 1,
      );
      const second = await sendUpload(other.url, headers, 'content');
      expect(second).toMatchObject({
        status: 409,
        headers: { 'retry-after': '2' },
        body: { code: 'idempotency_in_progress' },
      });
      slow.request.end('tent');
      const first = await slow.answer;
      expect(first.status).toBe(201);
      expect((await sendUpload(other.url, headers, 'content')).body).toEqual(first.body);
    });

    it('runs exactly one of many at once', async () => {
      const before = await rows();
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, n) =>
          sendUpload((n % 2 ? service : other).url, named('race.txt', 'race'), 'content'),
        ),
      );
      const ids = new Set(answers.filter(({ status }) => status === 201).map(({ body }) => body.id));
      expect(ids.size).toBe(1);
      expect(answers.every(({ status }) => status === 201 || status === 409)).toBe(true);
      expect(await rows()).toBe(before + 1);
    });

    it('lets a failed upload be tried again, keeps keys of different API keys apart, and forgets after 24 hours', async () => {
      const { headers, body } = formOf('content');
      const retry = { ...headers, ...named('a.bin', 'retry') };
      expect((await sendUpload(service.url, retry, body.subarray(0, -10))).status).toBe(422);
      const first = await sendUpload(service.url, retry, body);
      expect(first.status).toBe(201);
      const made = await ask(`${service.url}/keys`, {
        method: 'POST',
        headers: { ...key, 'Content-Type': 'application/json' },
        body: JSON.stringify({ name: 'writer', scopes: ['files:write'] }),
      });
      const writer = { ...retry, 'X-API-Key': (made.body as { key: string }).key };
      const apart = await sendUpload(service.url, writer, formOf('other content').body);
      expect(apart.status).toBe(201);
      await database.query(
        `UPDATE upload_keys SET claimed_at = now() - interval '24 hours 1 second' WHERE key = 'retry'`,
      );
      const later = await sendUpload(service.url, retry, formOf('different content').body);
      expect(later.status).toBe(201);
      expect(later.body.id).not.toBe(first.body.id);
    });
  });
});
