// Reads and checks what a request brings, by the schemas of its route.
import type { IncomingMessage } from 'node:http';
import type * as z from 'zod';
import { type FieldFault, Problem } from '../errors.ts';
import { header } from '../exchange.ts';
import type { Input, RouteDeclaration } from '../route.ts';

const maxJsonBytes = 64 * 1024;
const maxJsonDepth = 32;
/** A JSON body is small: a client that needs longer than this is not sending one. */
const jsonTimeoutMs = 10_000;

/** Deepest nesting of brackets outside strings. */
function jsonDepth(text: string): number {
  let depth = 0;
  let deepest = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (quoted) {
      if (code === 0x5c) i++;
      else if (code === 0x22) quoted = false;
    } else if (code === 0x22) quoted = true;
    else if (code === 0x7b || code === 0x5b) deepest = Math.max(deepest, ++depth);
    else if (code === 0x7d || code === 0x5d) depth--;
  }
  return deepest;
}

async function readBytes(message: IncomingMessage): Promise<Buffer> {
  const tooLarge = () => new Problem('body_too_large', `The limit is ${maxJsonBytes} bytes.`);
  if (Number(header(message, 'content-length') ?? 0) > maxJsonBytes) throw tooLarge();
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const stop = (error: Problem) => {
      message.off('data', onData);
      message.pause();
      settle(() => reject(error));
    };
    const timer = setTimeout(() => stop(new Problem('request_timeout')), jsonTimeoutMs);
    const settle = (how: () => void) => {
      clearTimeout(timer);
      how();
    };
    const onData = (chunk: Buffer) => {
      size += chunk.length;
      if (size > maxJsonBytes) stop(tooLarge());
      else chunks.push(chunk);
    };
    message.on('data', onData);
    message.once('end', () => settle(() => resolve(Buffer.concat(chunks))));
    message.once('error', () => settle(() => reject(new Problem('malformed_request'))));
  });
}

async function readJson(message: IncomingMessage): Promise<unknown> {
  const type = header(message, 'content-type') ?? '';
  if (!/^application\/json\s*(?:;\s*charset=utf-8\s*)?$/i.test(type)) {
    throw new Problem('unsupported_media_type', 'Send application/json in UTF-8.');
  }
  const encoding = header(message, 'content-encoding');
  if (encoding !== undefined && encoding !== 'identity') {
    throw new Problem('unsupported_media_type', 'Send the body without a Content-Encoding.');
  }
  if (header(message, 'content-length') === undefined && header(message, 'transfer-encoding') === undefined) {
    throw new Problem('length_required');
  }
  const bytes = await readBytes(message);
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    if (jsonDepth(text) > maxJsonDepth)
      throw new Problem('invalid_json', `It nests deeper than ${maxJsonDepth} levels.`);
    return JSON.parse(text);
  } catch (error) {
    throw error instanceof Problem ? error : new Problem('invalid_json');
  }
}

/** Query parameters by name. Twice the same is a fault, so that nothing receives an array it does not expect. */
function parseQuery(target: string, faults: FieldFault[]): Record<string, string> {
  const query: Record<string, string> = Object.create(null);
  const mark = target.indexOf('?');
  if (mark === -1) return query;
  for (const [name, value] of new URLSearchParams(target.slice(mark + 1))) {
    if (name in query) faults.push({ field: `query.${name.slice(0, 64)}`, message: 'is given more than once' });
    else if (/\p{Cc}/u.test(value))
      faults.push({ field: `query.${name.slice(0, 64)}`, message: 'has a control character' });
    query[name] = value;
  }
  return query;
}

const kinds: Record<string, string> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
};

/** Our words for what a schema leaves to the library. */
const inPlainWords: z.core.$ZodErrorMap = (issue) => {
  if (issue.code !== 'invalid_type') return undefined;
  return issue.input === undefined ? 'is required' : `must be ${kinds[issue.expected] ?? 'of another kind'}`;
};

type Place = 'params' | 'query' | 'body';

function check(place: Place, schema: z.ZodType | undefined, value: unknown, faults: FieldFault[]): unknown {
  if (schema === undefined) {
    for (const name of Object.keys(value ?? {}))
      faults.push({ field: `${place}.${name.slice(0, 64)}`, message: 'is not known here' });
    return {};
  }
  const result = schema.safeParse(value, { error: inPlainWords });
  if (result.success) return result.data;
  for (const issue of result.error.issues) {
    if (issue.code === 'unrecognized_keys') {
      for (const name of issue.keys)
        faults.push({ field: [place, ...issue.path, name.slice(0, 64)].join('.'), message: 'is not known here' });
    } else faults.push({ field: [place, ...issue.path].join('.'), message: issue.message });
  }
  return undefined;
}

const nothing: Input<unknown, unknown, unknown> = Object.freeze({ params: {}, query: {}, body: {} });

/**
 * All input of one request, checked.
 *
 * @param params decoded parameters of the path
 * @throws Problem 400, 408, 411, 413, 415, or `invalid_input` with every faulty field
 */
export async function readInput(
  declaration: RouteDeclaration,
  message: IncomingMessage,
  params: Record<string, string>,
): Promise<Input<unknown, unknown, unknown>> {
  const target = message.url ?? '';
  if (!declaration.params && !declaration.query && !declaration.body && !target.includes('?')) return nothing;
  const faults: FieldFault[] = [];
  const input = {
    params: declaration.params ? check('params', declaration.params, params, faults) : {},
    query: check('query', declaration.query, parseQuery(target, faults), faults),
    body: declaration.body ? check('body', declaration.body, await readJson(message), faults) : {},
  };
  if (faults.length > 0) throw new Problem('invalid_input', undefined, { errors: faults.slice(0, 20) });
  return input;
}
