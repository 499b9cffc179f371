// Decides conditional requests (RFC 9110, section 13).
import type { IncomingHttpHeaders } from 'node:http';

/** What a version of a file is known by. */
export interface Validators {
  /** Strong, with its quotes. */
  etag: string;
  modified: Date;
}

const seconds = (date: Date) => Math.floor(date.getTime() / 1000);

/** Seconds since 1970; undefined when it is no date. */
function parseDate(header: string | undefined): number | undefined {
  const ms = Date.parse(header ?? '');
  return Number.isNaN(ms) ? undefined : ms / 1000;
}

function names(header: string, etag: string, weakly: boolean): boolean {
  if (header.trim() === '*') return true;
  return header.split(',').some((tag) => (weakly ? tag.trim().replace(/^W\//, '') : tag.trim()) === etag);
}

/** In the order of precedence of section 13.2.2. `proceed` answers as without conditions. */
export function checkConditions(
  headers: IncomingHttpHeaders,
  { etag, modified }: Validators,
): 'proceed' | 'not-modified' | 'failed' {
  const match = headers['if-match'];
  const unmodified = parseDate(headers['if-unmodified-since']);
  if (match !== undefined) {
    if (!names(match, etag, false)) return 'failed';
  } else if (unmodified !== undefined && seconds(modified) > unmodified) return 'failed';
  const noneMatch = headers['if-none-match'];
  const since = parseDate(headers['if-modified-since']);
  if (noneMatch !== undefined) return names(noneMatch, etag, true) ? 'not-modified' : 'proceed';
  return since !== undefined && seconds(modified) <= since ? 'not-modified' : 'proceed';
}

/** Whether a Range still means the same file; without If-Range it does. */
export function rangeApplies(ifRange: string | undefined, { etag, modified }: Validators): boolean {
  if (ifRange === undefined) return true;
  return /^(?:W\/)?"/.test(ifRange.trim()) ? ifRange.trim() === etag : parseDate(ifRange) === seconds(modified);
}
