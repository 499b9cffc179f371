// The header fields that the balancer adds, changes and keeps to itself.
import { randomBytes, randomUUID } from 'node:crypto';

/** Fields that belong to one connection (RFC 9110, 7.6.1) and are never passed on. */
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

type Field = [name: string, value: string];

/** The fields of a message without those that belong to its connection; `raw` alternates names and values, as in `rawHeaders`. */
export function endToEnd(raw: readonly string[]): Field[] {
  const fields: Field[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) fields.push([raw[at] ?? '', raw[at + 1] ?? '']);
  const named = fields
    .filter(([name]) => name.toLowerCase() === 'connection')
    .flatMap(([, value]) => value.split(',').map((token) => token.trim().toLowerCase()));
  return fields.filter(([name]) => !hopByHop.has(name.toLowerCase()) && !named.includes(name.toLowerCase()));
}

export interface Arrival {
  /** Address of the client's end of the connection. */
  address: string;
  /** Port that the balancer listens on. */
  port: number;
}

const now = () => Math.floor(Date.now() / 1000).toString(16);
const traceId = () => `1-${now()}-${randomBytes(12).toString('hex')}`;

/** As an ALB does: a fresh root, or, when the client sent one, our own id in front of it. */
function trace(given: string | undefined): string {
  return given?.includes('Root=') ? `Self=${traceId()};${given}` : `Root=${traceId()}`;
}

/** What a target is sent: the client's end-to-end fields, X-Forwarded-For appended to, the others set as an ALB sets them. */
export function requestFields(raw: readonly string[], arrival: Arrival): Field[] {
  const ours = new Set(['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-port', 'x-amzn-trace-id']);
  const fields = endToEnd(raw);
  const given = (wanted: string) => fields.filter(([name]) => name.toLowerCase() === wanted).map(([, value]) => value);
  const address = arrival.address.replace(/^::ffff:/, '');
  return [
    ...fields.filter(([name]) => !ours.has(name.toLowerCase())),
    ['X-Forwarded-For', [...given('x-forwarded-for'), address].join(', ')],
    ['X-Forwarded-Proto', 'http'],
    ['X-Forwarded-Port', `${arrival.port}`],
    ['X-Amzn-Trace-Id', trace(given('x-amzn-trace-id')[0])],
    ...(given('x-request-id').length > 0 ? [] : [['X-Request-Id', randomUUID()] satisfies Field]),
  ];
}
