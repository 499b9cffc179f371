// Fields that lines of the log share: type, unit and meaning, once.
import * as z from 'zod';

/** A field with its meaning and, where it has one, its unit, for the documentation. */
export const field = <Schema extends z.ZodType>(schema: Schema, description: string, unit?: string): Schema =>
  schema.meta({ description, ...(unit === undefined ? {} : { unit }) });

const hexadecimal = (digits: number) => z.string().regex(new RegExp(`^[0-9a-f]{${digits}}$`));
export const whole = z.number().int().min(0);

/** What an error is reduced to, so that nothing secret gets in; causes nest. */
export const error = z.strictObject({
  type: field(z.string(), "The error's class."),
  message: z.string(),
  code: field(
    z.union([z.string(), z.number()]).optional(),
    'Code of the system, of PostgreSQL (SQLSTATE) or of docs/errors.md.',
  ),
  stack: z.string().optional(),
  get cause(): z.ZodOptional<typeof error> {
    return error.optional();
  },
});

export const levels = ['fatal', 'error', 'warn', 'info', 'debug'] as const;
export type Level = (typeof levels)[number];

/** On every line. */
export const common = {
  level: field(z.enum(levels), 'How severe it is.'),
  time: field(z.iso.datetime(), 'When it was written, in UTC.'),
  instance: field(z.string(), 'Name of the replica; in a cluster the pod.'),
};

/** On every line that belongs to a request. */
export const ofRequest = {
  requestId: field(
    z.string(),
    'Id of the request, sent back in X-Request-Id: what came there, if it has 8 to 128 letters, digits or `_ . : -`; else it is replaced by one made here.',
  ),
  traceId: field(hexadecimal(32).optional(), 'W3C trace id: that of the span, or what the request came with.'),
  spanId: field(hexadecimal(16).optional(), "Id of the request's server span, when traces are on."),
};

export const keyId = field(
  z
    .string()
    .regex(/^[\w-]{12}$/)
    .optional(),
  'Id of the API key of the caller; never the key.',
);
export const client = field(z.string(), "The client's address, after trusted proxies.");
export const status = field(
  z.number().int().min(100).max(599),
  'HTTP status of the answer; 499 when the client left before there was one.',
);
export const code = field(
  z.string().optional(),
  'Why the answer is an error: code of docs/errors.md, or client_left when nobody was there to take it.',
);
export const fileId = field(z.uuid(), 'Id of the file.');
export const pool = field(z.enum(['writer', 'reader']), 'Which pool of PostgreSQL.');
export const cause = field(error, 'What went wrong.');
