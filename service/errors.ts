// Every error a client can receive, once: the problem details (RFC 9457) and docs/errors.md are made from this table.

/** One kind of error. `retryAfterSeconds` is sent as Retry-After; `means` and `remedy` are for the documentation. */
interface ErrorKind {
  status: number;
  title: string;
  means: string;
  remedy: string;
  retryAfterSeconds?: number;
}

export const errorTable = {
  malformed_request: {
    status: 400,
    title: 'The request is not valid HTTP',
    means: 'The request line, a header or the framing of the body breaks RFC 9112.',
    remedy: 'Send it with an ordinary HTTP client.',
  },
  invalid_path: {
    status: 400,
    title: 'The path is not valid',
    means: 'The path has a broken percent-encoding, a NUL byte, or does not start with a slash.',
    remedy: 'Percent-encode the path as UTF-8.',
  },
  invalid_host: {
    status: 400,
    title: 'The Host header is not valid',
    means: 'Host is missing, given twice, malformed, or differs from an absolute request target.',
    remedy: 'Send exactly one Host header with a host name and an optional port.',
  },
  host_not_allowed: {
    status: 421,
    title: 'This host is not served here',
    means: 'ALLOWED_HOSTS does not list the host that was asked for.',
    remedy: 'Use a listed host name, or add this one to ALLOWED_HOSTS.',
  },
  invalid_json: {
    status: 400,
    title: 'The body is not valid JSON',
    means: 'The body does not parse as JSON in UTF-8, or nests deeper than 32 levels.',
    remedy: 'Send one JSON object.',
  },
  key_missing: {
    status: 401,
    title: 'An API key is required',
    means: 'The route needs a key and the request has no X-API-Key header.',
    remedy: 'Send the key as X-API-Key.',
  },
  key_invalid: {
    status: 401,
    title: 'The API key is not valid',
    means: 'The key is unknown, malformed, expired or revoked.',
    remedy: 'Ask an administrator for a new key.',
  },
  scope_missing: {
    status: 403,
    title: 'The API key lacks a scope',
    means: 'The key is valid, but not for this route.',
    remedy: 'Use a key with the scope named in the detail.',
  },
  cross_site: {
    status: 403,
    title: 'Cross-site requests are refused',
    means: 'A browser sent a state-changing request from another site.',
    remedy: 'Send it from a page of this service.',
  },
  not_found: {
    status: 404,
    title: 'There is nothing here',
    means: 'No route or no object has this address.',
    remedy: 'Check the path and the id.',
  },
  method_not_allowed: {
    status: 405,
    title: 'The method is not allowed here',
    means: 'The path exists, but not with this method.',
    remedy: 'Use a method that the Allow header lists.',
  },
  method_not_implemented: {
    status: 501,
    title: 'The method is not known',
    means: 'No route of the service has such a method, and it opens no tunnels.',
    remedy: 'Use GET, HEAD, POST or DELETE.',
  },
  request_timeout: {
    status: 408,
    title: 'The request took too long to arrive',
    means: 'Headers or body did not arrive in time.',
    remedy: 'Send it again over a faster connection.',
  },
  idempotency_in_progress: {
    status: 409,
    title: 'The first request with this Idempotency-Key is still running',
    means: 'Another upload with the same key has not ended yet.',
    remedy: 'Wait for Retry-After seconds and ask again.',
    retryAfterSeconds: 2,
  },
  length_required: {
    status: 411,
    title: 'A body is required',
    means: 'The request has neither Content-Length nor Transfer-Encoding.',
    remedy: 'Send a body.',
  },
  precondition_failed: {
    status: 412,
    title: 'The precondition does not hold',
    means: 'If-Match or If-Unmodified-Since names another version of the file than the one there is.',
    remedy: 'Fetch the file anew and use its ETag.',
  },
  body_too_large: {
    status: 413,
    title: 'The body is too large',
    means: 'The body exceeds the limit named in the detail, in bytes.',
    remedy: 'Send less.',
  },
  path_too_long: {
    status: 414,
    title: 'The request target is too long',
    means: 'The request target exceeds 2048 characters.',
    remedy: 'Shorten it.',
  },
  unsupported_media_type: {
    status: 415,
    title: 'The content type is not supported here',
    means: 'The body has a Content-Type or Content-Encoding the route does not read.',
    remedy: 'Send the type named in the detail.',
  },
  range_not_satisfiable: {
    status: 416,
    title: 'The range lies outside the file',
    means: 'Range starts after the end; Content-Range has the size.',
    remedy: 'Ask for a range inside the file.',
  },
  expectation_failed: {
    status: 417,
    title: 'The expectation cannot be met',
    means: 'The Expect header asks for something other than 100-continue.',
    remedy: 'Leave the Expect header out.',
  },
  invalid_input: {
    status: 422,
    title: 'The input is not valid',
    means: 'A parameter or a field of the body is wrong; `errors` names each.',
    remedy: 'Correct the fields named in `errors`.',
  },
  invalid_multipart: {
    status: 422,
    title: 'The form is not a valid upload',
    means:
      'The multipart body has no field `file`, has it more than once, is cut short, or has something after the file.',
    remedy: 'Send one field `file`, as the last one of the form.',
  },
  idempotency_mismatch: {
    status: 422,
    title: 'The Idempotency-Key was used for another upload',
    means: 'Within 24 hours the same key came with other bytes, another name or another type.',
    remedy: 'Use a new key for a new upload.',
  },
  headers_too_large: {
    status: 431,
    title: 'The headers are too large',
    means: 'All headers together exceed 16 KiB.',
    remedy: 'Send fewer or shorter headers.',
  },
  rate_limited: {
    status: 429,
    title: 'Too many requests',
    means: 'The limit per key or per address is used up; the RateLimit headers show it.',
    remedy: 'Wait for Retry-After seconds.',
  },
  internal: {
    status: 500,
    title: 'Something went wrong',
    means: 'A fault of the service. The log has the reason under the request id.',
    remedy: 'Report the request id.',
  },
  burners_busy: {
    status: 503,
    title: 'All burners are busy',
    means: 'Every worker of this replica is burning already.',
    remedy: 'Wait for Retry-After seconds, or scale out.',
    retryAfterSeconds: 1,
  },
  sessions_unavailable: {
    status: 503,
    title: 'Sessions are not available at the moment',
    means: 'Redis does not answer.',
    remedy: 'Wait for Retry-After seconds.',
    retryAfterSeconds: 2,
  },
  database_unavailable: {
    status: 503,
    title: 'The database is not available at the moment',
    means: 'PostgreSQL does not answer.',
    remedy: 'Wait for Retry-After seconds.',
    retryAfterSeconds: 2,
  },
  objects_unavailable: {
    status: 503,
    title: 'The object store is not available at the moment',
    means: 'The object store does not answer or gave up in the middle.',
    remedy: 'Wait for Retry-After seconds and send the whole upload again.',
    retryAfterSeconds: 2,
  },
  not_ready: {
    status: 503,
    title: 'This replica takes no requests',
    means: 'It is starting, or draining before it stops.',
    remedy: 'Ask another replica: the load balancer does.',
    retryAfterSeconds: 1,
  },
  storage_full: {
    status: 507,
    title: 'The object store is full',
    means: 'There is no room left for the upload; nothing of it was kept.',
    remedy: 'Delete files or enlarge the store.',
  },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof errorTable;

/** One wrong field of the input: `field` is a path such as `body.scopes.0` or `query.limit`. */
export interface FieldFault {
  field: string;
  message: string;
}

/**
 * An error that a client may see. Everything else that is thrown answers `internal` and is only logged.
 *
 * @param code stable name, from the table
 * @param detail one sentence about this occurrence, safe to show
 * @param more field faults (422), response headers, a Retry-After in seconds that differs from the table's, or the cause, which is logged and never sent
 */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly code: ErrorCode;
  readonly detail: string | undefined;
  readonly errors: readonly FieldFault[] | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: ErrorCode,
    detail?: string,
    more: {
      errors?: readonly FieldFault[];
      headers?: Record<string, string>;
      retryAfterSeconds?: number;
      cause?: unknown;
    } = {},
  ) {
    super(detail ?? errorTable[code].title, more.cause === undefined ? undefined : { cause: more.cause });
    this.code = code;
    this.detail = detail;
    this.errors = more.errors;
    const kind: ErrorKind = errorTable[code];
    const retryAfter = more.retryAfterSeconds ?? kind.retryAfterSeconds;
    this.headers = retryAfter === undefined ? { ...more.headers } : { 'Retry-After': `${retryAfter}`, ...more.headers };
  }

  get status(): number {
    return errorTable[this.code].status;
  }
}

/** The body of an error answer (application/problem+json). `type` is `about:blank`'s replacement: a link into docs/errors.md. */
export interface ProblemDetails {
  type: string;
  title: string;
  status: number;
  code: ErrorCode;
  detail?: string;
  requestId: string;
  errors?: readonly FieldFault[];
}

/** Turns whatever was thrown into what the client sees: never a stack, a query or a path. */
export function problemDetails(error: unknown, requestId: string): ProblemDetails {
  const problem = error instanceof Problem ? error : new Problem('internal');
  return {
    type: `urn:slipway:error:${problem.code}`,
    title: errorTable[problem.code].title,
    status: problem.status,
    code: problem.code,
    ...(problem.detail === undefined ? {} : { detail: problem.detail }),
    requestId,
    ...(problem.errors === undefined ? {} : { errors: problem.errors }),
  };
}
