// JSON logs on standard output. Nothing secret gets in: errors are reduced to what is known to be safe.
import { type DestinationStream, type Logger, pino } from 'pino';
import type { Settings } from './settings.ts';

/** Lines are written in batches: at this size, or after this time. A crash writes what is left. */
const batchBytes = 4096;
const batchMs = 100;

interface LoggedError {
  type: string;
  message: string;
  code?: unknown;
  stack?: string;
  cause?: LoggedError;
}

/** Driver errors carry statements, parameters and even passwords as properties; only these four are taken. */
function loggedError(error: unknown): LoggedError {
  if (!(error instanceof Error)) return { type: typeof error, message: String(error) };
  return {
    type: error.name,
    message: error.message,
    ...('code' in error ? { code: error.code } : {}),
    ...(error.stack === undefined ? {} : { stack: error.stack }),
    ...(error.cause === undefined ? {} : { cause: loggedError(error.cause) }),
  };
}

export interface Log {
  logger: Logger;
  /** Writes what is still in memory. */
  flush(): void;
}

export function createLog({ LOG_LEVEL, INSTANCE }: Pick<Settings, 'LOG_LEVEL' | 'INSTANCE'>): Log {
  const destination = pino.destination({ dest: 1, sync: false, minLength: batchBytes });
  setInterval(() => destination.flush(), batchMs).unref();
  const logger = pino(
    {
      level: LOG_LEVEL,
      base: { instance: INSTANCE },
      timestamp: pino.stdTimeFunctions.isoTime,
      messageKey: 'message',
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: loggedError, err: loggedError },
      redact: ['password', '*.password', 'key', 'headers.cookie', 'headers["x-api-key"]'],
    },
    destination as DestinationStream,
  );
  return {
    logger,
    flush() {
      try {
        destination.flushSync();
      } catch {
        // standard output is closed: nobody reads any more
      }
    },
  };
}
