// Every line that the service writes to standard output, by its event. A test holds real lines of all events against it.
import * as z from 'zod';
import * as fields from './fields.ts';
import { field, type Level, ofRequest, whole } from './fields.ts';

/** `access`: one line a request; `audit`: who changed or was refused what; `application`: everything else. */
export type Kind = 'access' | 'audit' | 'application';

/** One event: the fields of its lines beyond those that all have, and the levels at which it is written. */
export interface LogEvent {
  kind: Kind;
  levels: readonly [Level, ...Level[]];
  meaning: string;
  fields: Readonly<Record<string, z.ZodType>>;
}

const { cause, client, code, fileId, keyId, pool, status } = fields;

const requests = {
  access: {
    kind: 'access',
    levels: ['info'],
    meaning: 'A request has been answered, or its client has left.',
    fields: {
      ...ofRequest,
      method: field(z.string(), 'HTTP method.'),
      route: field(z.string(), 'Path template of the route, or `unmatched`.'),
      path: field(z.string(), 'Path that was asked for, without its query.'),
      status,
      durationMs: field(z.number().min(0), 'From the arrival of the request to the end of its answer.', 'ms'),
      client,
      keyId,
      code,
    },
  },
  audit: {
    kind: 'audit',
    levels: ['info'],
    meaning: 'A key has changed something, or was refused: its status and code tell.',
    fields: {
      ...ofRequest,
      action: field(
        z.string(),
        'Method and path template: `POST /keys`, `DELETE /keys/:id`, `POST /upload` or `DELETE /files/:id`; of a refusal that of any route that wants a key.',
      ),
      target: field(z.string().optional(), 'Id of the key or file that was made, revoked or deleted.'),
      keyId,
      keyName: field(z.string().optional(), "Name of the caller's key."),
      client,
      status,
      code,
    },
  },
  key_created: {
    kind: 'audit',
    levels: ['info'],
    meaning: 'An API key has been made.',
    fields: {
      ...ofRequest,
      target: field(z.string(), 'Id of the new key.'),
      scopes: field(z.array(z.string()), 'What it may do.'),
      replaces: field(z.string().optional(), 'Id of the key that it takes over from.'),
      keyId,
    },
  },
  key_revoked: {
    kind: 'audit',
    levels: ['info'],
    meaning: 'An API key has been revoked.',
    fields: { ...ofRequest, target: field(z.string(), 'Id of the revoked key.'), keyId },
  },
  fault: {
    kind: 'application',
    levels: ['warn', 'error'],
    meaning:
      'A request failed by a fault of ours: `warn` for a dependency that is away, `error` for what should not happen.',
    fields: {
      ...ofRequest,
      code: field(z.string().optional(), 'Code of docs/errors.md; none is `internal`.'),
      error: cause,
    },
  },
} satisfies Record<string, LogEvent>;

const life = {
  listening: {
    kind: 'application',
    levels: ['info'],
    meaning: 'The ports are open; requests other than probes are refused until it is ready.',
    fields: {
      port: field(whole, 'Port of the API.'),
      metricsPort: field(whole, 'Port of /metrics.'),
    },
  },
  waiting_for_schema: {
    kind: 'application',
    levels: ['warn'],
    meaning: 'The start waits for the database or for migrations; every 10 s.',
    fields: {
      missing: field(z.array(z.string()).optional(), 'Migrations that are not there yet.'),
      error: cause.optional(),
    },
  },
  ready: { kind: 'application', levels: ['info'], meaning: 'The replica takes requests.', fields: {} },
  drain: {
    kind: 'application',
    levels: ['info'],
    meaning: 'The replica has been asked to end, and goes on answering until it is quiet.',
    fields: { signal: field(z.enum(['SIGTERM', 'SIGINT']), 'What asked it.') },
  },
  stopped: { kind: 'application', levels: ['info'], meaning: 'The replica has ended in order.', fields: {} },
  crash: {
    kind: 'application',
    levels: ['fatal'],
    meaning: 'The process ends by an error that nobody caught; Node adds its own lines to standard error.',
    fields: { error: cause },
  },
} satisfies Record<string, LogEvent>;

const background = {
  database_lost: {
    kind: 'application',
    levels: ['warn'],
    meaning: 'A server of PostgreSQL does not answer; statements fail at once until it is back.',
    fields: { pool, error: cause },
  },
  database_still_lost: {
    kind: 'application',
    levels: ['debug'],
    meaning: 'It was asked again in vain.',
    fields: { pool, error: cause },
  },
  database_back: { kind: 'application', levels: ['info'], meaning: 'It answers again.', fields: { pool } },
  reader_used: {
    kind: 'application',
    levels: ['info'],
    meaning: 'Reads go to the reader from now on.',
    fields: { lagMs: field(z.number().optional(), 'How far it is behind.', 'ms') },
  },
  reader_out: {
    kind: 'application',
    levels: ['warn'],
    meaning: 'Reads go to the writer: the reader is lost or too far behind.',
    fields: { lagMs: field(z.number().optional(), 'How far it is behind; none: lost.', 'ms') },
  },
  last_use_not_written: {
    kind: 'application',
    levels: ['warn'],
    meaning: 'When keys were last used could not be written; tried again in a minute.',
    fields: { error: cause },
  },
  swept: {
    kind: 'application',
    levels: ['info'],
    meaning: 'What failed uploads had left has been removed.',
    fields: { files: field(whole, 'How many.', 'files') },
  },
  sweep_failed: {
    kind: 'application',
    levels: ['warn'],
    meaning: 'It could not be removed; tried again.',
    fields: { fileId: fileId.optional(), error: cause },
  },
  upload_left_to_sweeper: {
    kind: 'application',
    levels: ['warn'],
    meaning: 'A failed upload could not be cleaned up at once.',
    fields: { fileId, error: cause },
  },
  delete_left_to_sweeper: {
    kind: 'application',
    levels: ['warn'],
    meaning: 'A deleted file is hidden, its content could not be removed at once.',
    fields: { fileId, error: cause },
  },
  spans_dropped: {
    kind: 'application',
    levels: ['warn'],
    meaning: 'The receiver of traces does not take them; once a minute at most.',
    fields: { spans: field(whole, 'Lost since the last such line.', 'spans'), error: cause },
  },
} satisfies Record<string, LogEvent>;

export const logEvents = { ...requests, ...life, ...background } satisfies Record<string, LogEvent>;

const lineOf = ([event, { levels, fields: own }]: [string, LogEvent]) =>
  z.strictObject({ ...fields.common, level: z.enum(levels), event: z.literal(event), ...own });

const [first, ...others] = Object.entries(logEvents).map(lineOf);

/** One line of the log, parsed from its JSON. Strict: what is not written down here is a fault. */
export const logLine = z.discriminatedUnion('event', [first as NonNullable<typeof first>, ...others]);
