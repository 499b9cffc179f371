// Which errors of the driver mean that the database is away, and which are about the statement.
import { DatabaseError } from 'pg';
import { Problem } from '../errors.ts';
import { CredentialsUnreadable } from './connection.ts';

/** What a failure means for the connection and for the next attempt. */
export type Fault =
  /** The statement is to blame; the connection is fine. */
  | 'statement'
  /** This one took too long or found no room; the server is there. */
  | 'busy'
  /** User or password are refused: the secret may have changed since it was read. */
  | 'credentials'
  /** The connection broke, or none could be made: the server may be gone, frozen or starting. */
  | 'connection';

/** SQLSTATE by meaning: https://www.postgresql.org/docs/15/errcodes-appendix.html */
const byState: Record<string, Fault> = {
  '25006': 'connection', // read_only_sql_transaction: after a failover the old writer is a standby
  '25P03': 'busy', // idle_in_transaction_session_timeout
  '3D000': 'connection', // invalid_catalog_name
  '53300': 'busy', // too_many_connections
  '55P03': 'busy', // lock_not_available
  '57014': 'busy', // query_canceled: statement_timeout
  '57P01': 'connection', // admin_shutdown
  '57P02': 'connection', // crash_shutdown
  '57P03': 'connection', // cannot_connect_now
};

/** The pool's message for a caller that has waited for one of its connections in vain. */
const poolExhausted = 'timeout exceeded when trying to connect';
/** The driver's message when `query_timeout` has passed. */
const noAnswer = 'Query read timeout';

export function faultOf(error: unknown): Fault {
  if (error instanceof DatabaseError) {
    const state = error.code ?? '';
    if (state.startsWith('28')) return 'credentials';
    if (state.startsWith('08')) return 'connection';
    return byState[state] ?? 'statement';
  }
  if (error instanceof CredentialsUnreadable) return 'credentials';
  if (error instanceof TypeError || error instanceof RangeError) return 'statement';
  if (error instanceof Error && error.message === poolExhausted) return 'busy';
  return 'connection';
}

/** Whether the server itself, not just this connection, is of no use: it does not even cancel a statement, or is a standby now. */
export function isServerLost(error: unknown): boolean {
  return error instanceof Error && (error.message === noAnswer || ('code' in error && error.code === '25006'));
}

/** What the caller gets: the driver's own error for a fault of the statement, else `database_unavailable`. */
export function toThrow(error: unknown): unknown {
  if (error instanceof Problem || faultOf(error) === 'statement') return error;
  return new Problem('database_unavailable', undefined, { cause: error });
}
