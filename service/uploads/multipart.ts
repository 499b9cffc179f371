// Finds the one file of a multipart/form-data body (RFC 7578) while it streams by.
import { Problem } from '../errors.ts';
import { type Disposition, parseDisposition } from './disposition.ts';
import { ChunkReader } from './reader.ts';

/** Everything before the file: other fields and all part headers together. */
const maxBytesBeforeFile = 64 * 1024;
const maxFieldsBeforeFile = 32;
const maxPartHeaderBytes = 8 * 1024;

/** A form of at most so many bytes after the part's headers is held until it is complete, and then measured rather than computed. */
const inHandBytes = 64 * 1024;

export interface FilePart {
  filename: string | undefined;
  /** Content-Type of the part. */
  type: string | undefined;
  /** Bytes of the file; undefined when the form's length is unknown. */
  length: number | undefined;
  /** Throws Problem `invalid_multipart` when the form is cut short, or does not end after the file. */
  bytes: AsyncIterable<Buffer>;
}

const invalid = (detail: string) => new Problem('invalid_multipart', detail);

/** The boundary that a Content-Type names. @throws Problem `invalid_multipart` */
export function boundaryOf(contentType: string): string {
  const [, quoted, bare] = /;[ \t]*boundary=(?:"([^"]*)"|([^;\s"]*))/i.exec(contentType) ?? [];
  const boundary = quoted ?? bare ?? '';
  if (!/^[\w'()+,./:=? -]{0,69}[\w'()+,./:=?-]$/.test(boundary)) {
    throw invalid('Content-Type needs a boundary of 1 to 70 characters.');
  }
  return boundary;
}

interface PartHeaders {
  disposition: Disposition;
  type: string | undefined;
}

/** Reads the headers of a part; the reader stands behind the delimiter, before its line end. */
async function partHeaders(reader: ChunkReader): Promise<PartHeaders> {
  const blankLine = '\r\n\r\n';
  let end = reader.pending.indexOf(blankLine, 0, 'latin1');
  while (end < 0) {
    const from = Math.max(0, reader.pending.length - 3);
    if (from > maxPartHeaderBytes) break;
    if (!(await reader.more())) throw invalid('The form ends in the headers of a part.');
    end = reader.pending.indexOf(blankLine, from, 'latin1');
  }
  if (end < 0 || end > maxPartHeaderBytes) throw invalid(`The headers of a part exceed ${maxPartHeaderBytes} bytes.`);
  const lines = reader.pending.toString('latin1', 0, end).split('\r\n');
  reader.skip(end + blankLine.length);
  if (lines.shift() !== '') throw invalid('A delimiter is not followed by a line end.');
  const headers = new Map<string, string>();
  for (const line of lines) {
    const [, name, value] = /^([\w!#$%&'*+.^`|~-]+):[ \t]*(.*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined) throw invalid('A part has a malformed header.');
    headers.set(name.toLowerCase(), value.trim());
  }
  const disposition = parseDisposition(headers.get('content-disposition') ?? '');
  if (disposition.kind !== 'form-data') throw invalid('A part lacks Content-Disposition: form-data.');
  return { disposition, type: headers.get('content-type') };
}

/** Skips a field's content, or what comes before the first delimiter. */
async function skipToDelimiter(reader: ChunkReader, delimiter: Buffer): Promise<void> {
  const content = reader.until(delimiter);
  for (;;) {
    const { value, done } = await content.next();
    if (done && !value) throw invalid('The form has no field named file, or is cut short.');
    if (reader.received - reader.pending.length > maxBytesBeforeFile) {
      throw invalid(`More than ${maxBytesBeforeFile} bytes come before the file.`);
    }
    if (done) return;
  }
}

/** The file's bytes, then the check that the form ends there. */
async function* fileBytes(reader: ChunkReader, delimiter: Buffer, length: number | undefined): AsyncGenerator<Buffer> {
  let count = 0;
  const content = reader.until(delimiter);
  for (;;) {
    const { value, done } = await content.next();
    if (done) {
      if (!value) throw invalid('The form is cut short.');
      break;
    }
    count += value.length;
    if (length !== undefined && count > length) {
      throw invalid('The form must end with its closing delimiter and a line end.');
    }
    yield value;
  }
  const closed = (await reader.has(2)) && reader.pending.toString('latin1', 0, 2) === '--';
  if (
    !closed ||
    ((await reader.has(3)) && !((await reader.has(4)) && reader.pending.toString('latin1', 2) === '\r\n'))
  ) {
    throw invalid('Nothing may come after the file.');
  }
  if (await reader.more()) throw invalid('Nothing may come after the file.');
  if (length !== undefined && count !== length) throw invalid('The form does not end where its length says.');
}

/**
 * Reads up to the content of the field `file`; fields before it are skipped.
 *
 * @param formLength bytes of the whole body, when known: the file's length follows from where it starts and how the form must end
 * @throws Problem `invalid_multipart`
 */
export async function findFile(
  body: AsyncIterable<Uint8Array>,
  boundary: string,
  formLength: number | undefined,
): Promise<FilePart> {
  const delimiter = Buffer.from(`\r\n--${boundary}`, 'latin1');
  const closing = delimiter.length + '--\r\n'.length;
  // The first delimiter has no line end before it.
  const reader = new ChunkReader(body, Buffer.from('\r\n'));
  for (let fields = 0; fields <= maxFieldsBeforeFile; fields++) {
    await skipToDelimiter(reader, delimiter);
    if ((await reader.has(2)) && reader.pending.toString('latin1', 0, 2) === '--') {
      throw invalid('The form has no field named file.');
    }
    const { disposition, type } = await partHeaders(reader);
    if (disposition.name !== 'file') continue;
    const part = { filename: disposition.filename, type };
    if (formLength === undefined) return { ...part, length: undefined, bytes: fileBytes(reader, delimiter, undefined) };
    const rest = formLength - reader.received + reader.pending.length;
    if (rest <= inHandBytes) await reader.has(rest);
    // Some clients leave out the last line end: seen in time when the whole form is in hand, refused later.
    const inHand = reader.pending.length >= rest ? reader.pending.indexOf(delimiter) : -1;
    const length = inHand >= 0 ? inHand : rest - closing;
    if (length < 0) throw invalid('The form is cut short.');
    return { ...part, length, bytes: fileBytes(reader, delimiter, length) };
  }
  throw invalid(`More than ${maxFieldsBeforeFile} fields come before the file.`);
}
