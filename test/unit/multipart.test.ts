import { Problem } from '../../service/errors.ts';
import { boundaryOf, findFile } from '../../service/uploads/multipart.ts';

const boundary = 'xYzZY';

async function* chunked(bytes: Buffer, sizes: (offset: number) => number): AsyncGenerator<Buffer> {
  for (let from = 0; from < bytes.length; ) {
    const size = sizes(from);
    yield bytes.subarray(from, from + size);
    from += size;
  }
}

const whole = (bytes: Buffer) => chunked(bytes, () => bytes.length);

async function read(form: Buffer, chunks: AsyncIterable<Buffer>, known: boolean) {
  const part = await findFile(chunks, boundary, known ? form.length : undefined);
  const got: Buffer[] = [];
  for await (const chunk of part.bytes) got.push(Buffer.from(chunk));
  return { filename: part.filename, type: part.type, length: part.length, content: Buffer.concat(got) };
}

function formOf(content: Buffer | string, options: { before?: string; after?: string; headers?: string } = {}): Buffer {
  const headers =
    options.headers ?? 'Content-Disposition: form-data; name="file"; filename="a.txt"\r\nContent-Type: text/plain';
  return Buffer.concat([
    Buffer.from(`${options.before ?? ''}--${boundary}\r\n${headers}\r\n\r\n`),
    Buffer.from(content),
    Buffer.from(options.after ?? `\r\n--${boundary}--\r\n`),
  ]);
}

const field = `--${boundary}\r\nContent-Disposition: form-data; name="note"\r\n\r\nhello\r\n`;

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return error instanceof Problem ? error.code : `${error}`;
}

describe('the multipart reader', () => {
  // Looks like the delimiter again and again, and ends in a start of it.
  const tricky = Buffer.from(`\r\n--xYzZ\r\r\n--xY\r\n--xYzZ-\r\n\r\n--\r\n--xYzZ`);

  it.each([
    ['known', true],
    ['unknown', false],
  ])('finds the file wherever the chunks are split (%s length)', async (_, known) => {
    const form = formOf(tricky, { before: field });
    for (let at = 1; at < form.length; at++) {
      const { content, filename, type, length } = await read(
        form,
        chunked(form, (from) => (from < at ? at : form.length)),
        known,
      );
      expect(content.equals(tricky)).toBe(true);
      expect([filename, type, length]).toEqual(['a.txt', 'text/plain', known ? tricky.length : undefined]);
    }
    for (const size of [1, 2, 3, 7]) {
      expect(
        (
          await read(
            form,
            chunked(form, () => size),
            known,
          )
        ).content.equals(tricky),
      ).toBe(true);
    }
  });

  it('computes the length of a file from where it starts, and gives its bytes without copying', async () => {
    const content = Buffer.alloc(200_000, 'x');
    const form = formOf(content);
    const { length, bytes } = await findFile(
      chunked(form, (from) => Math.min(65_536, form.length - from)),
      boundary,
      form.length,
    );
    expect(length).toBe(content.length);
    const copied: boolean[] = [];
    for await (const chunk of bytes) copied.push(chunk.buffer !== form.buffer);
    expect(copied.length).toBeGreaterThan(2);
    expect(copied.slice(1)).not.toContain(true);
  });

  it('takes an empty file, a preamble line end and a form without the last line end when it is in hand', async () => {
    const empty = formOf('');
    expect((await read(empty, whole(empty), true)).content.length).toBe(0);
    const led = formOf('abc', { before: '\r\n' });
    expect((await read(led, whole(led), true)).content.toString()).toBe('abc');
    const unended = formOf('abc', { after: `\r\n--${boundary}--` });
    for (const known of [true, false]) {
      expect(
        (
          await read(
            unended,
            chunked(unended, () => 5),
            known,
          )
        ).content.toString(),
      ).toBe('abc');
    }
  });

  const big = Buffer.alloc(100_000, 'y');
  it.each<[string, Buffer]>([
    ['a form that is cut short in the file', formOf('abc', { after: '' })],
    ['a form that is cut short in the headers', formOf('').subarray(0, 30)],
    ['a form that is cut short in the delimiter', formOf('abc', { after: `\r\n--${boundary}` })],
    ['an empty body', Buffer.alloc(0)],
    ['a form without fields', Buffer.from(`--${boundary}--\r\n`)],
    ['a form without the field file', Buffer.from(`${field}--${boundary}--\r\n`)],
    ['a field after the file', formOf('abc', { after: `\r\n${field}--${boundary}--\r\n` })],
    ['a second file', Buffer.concat([formOf('abc', { after: '\r\n' }), formOf('def')])],
    ['an epilogue', formOf('abc', { after: `\r\n--${boundary}--\r\nmore` })],
    ['a delimiter followed by something else', formOf('abc', { after: `\r\n--${boundary}xx\r\n` })],
    ['a big form without the last line end', formOf(big, { after: `\r\n--${boundary}--` })],
    ['a header that is not one', formOf('abc', { headers: 'no header' })],
    ['a part without a disposition', formOf('abc', { headers: 'Content-Type: text/plain' })],
    ['a part header that is too long', formOf('abc', { headers: `X: ${'x'.repeat(9000)}` })],
    ['too many fields', formOf('abc', { before: field.repeat(40) })],
    ['too much before the file', formOf('abc', { before: field.replace('hello', 'h'.repeat(70_000)) })],
  ])('refuses %s', async (_, form) => {
    const pieces = () => chunked(form, (from) => Math.min(4096, form.length - from));
    expect(await codeOf(read(form, pieces(), true))).toBe('invalid_multipart');
    if (!form.subarray(-200).includes('yyy')) {
      expect(await codeOf(read(form, pieces(), false))).toBe('invalid_multipart');
    }
  });

  it('never gives more bytes than the length it promised', async () => {
    const form = formOf(big, { after: `\r\n--${boundary}--` });
    const { length, bytes } = await findFile(
      chunked(form, () => 1000),
      boundary,
      form.length,
    );
    let count = 0;
    const reading = (async () => {
      for await (const chunk of bytes) count += chunk.length;
    })();
    expect(await codeOf(reading)).toBe('invalid_multipart');
    expect(count).toBeLessThanOrEqual(length ?? 0);
  });

  it('reads the boundary of a Content-Type', async () => {
    expect(boundaryOf('multipart/form-data; boundary=----WebKitFormBoundaryAbC')).toBe('----WebKitFormBoundaryAbC');
    expect(boundaryOf('multipart/form-data; charset=utf-8; Boundary="a b"')).toBe('a b');
    for (const bad of ['', '; boundary=', '; boundary="a\r\n"', `; boundary=${'x'.repeat(71)}`, '; boundary="x "']) {
      expect(() => boundaryOf(`multipart/form-data${bad}`)).toThrow(Problem);
    }
  });
});
