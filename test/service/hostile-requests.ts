// Requests that no honest client sends, as exact bytes, with the answer each must get.
import type { ErrorCode } from '../../service/errors.ts';

export interface Hostile {
  what: string;
  /** KEY stands for a key with every scope. */
  bytes: string;
  status: number;
  code: ErrorCode | undefined;
}

const host = 'Host: localhost\r\n';
const key = 'X-API-Key: KEY\r\n';
const row = (what: string, bytes: string, status: number, code?: ErrorCode): Hostile => ({ what, bytes, status, code });

/** A request with a Host header and an optional body of the stated length. */
function request(line: string, headers = '', body = ''): string {
  const length = body === '' ? '' : `Content-Length: ${Buffer.byteLength(body, 'latin1')}\r\n`;
  return `${line} HTTP/1.1\r\n${host}${headers}${length}\r\n${body}`;
}
const get = (target: string, headers = '') => request(`GET ${target}`, headers);
const post = (target: string, body: string, headers = 'Content-Type: application/json\r\n') =>
  request(`POST ${target}`, headers, body);
const form = (body: string, boundary = 'b') =>
  post('/upload', body, `${key}Content-Type: multipart/form-data; boundary=${boundary}\r\n`);
const part = (headers: string, content: string) => `--b\r\n${headers}\r\n\r\n${content}\r\n`;
const filePart = part('Content-Disposition: form-data; name="file"; filename="a.txt"', 'hello');

const framing: Hostile[] = [
  row('no request at all', 'hello\r\n\r\n', 400, 'malformed_request'),
  row('HTTP/0.9', 'GET /\r\n\r\n', 400, 'invalid_host'),
  row('HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, 'malformed_request'),
  row('unknown version', `GET / HTTP/9.9\r\n${host}\r\n`, 400, 'malformed_request'),
  row('TLS on a plain port', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400, 'malformed_request'),
  row('space before the colon', `GET /live HTTP/1.1\r\nHost : localhost\r\n\r\n`, 400, 'malformed_request'),
  row('folded header', `GET /live HTTP/1.1\r\n${host}X-A: b\r\n c\r\n\r\n`, 400, 'malformed_request'),
  row('NUL in a header', `GET /live HTTP/1.1\r\n${host}X-A: \0\r\n\r\n`, 400, 'malformed_request'),
  row('bare CR in a header', `GET /live HTTP/1.1\r\n${host}X-A: b\rX-B: c\r\n\r\n`, 400, 'malformed_request'),
  row('header without a colon', `GET /live HTTP/1.1\r\n${host}nonsense\r\n\r\n`, 400, 'malformed_request'),
  row('headers of 20 KiB', get('/live', `X-A: ${'a'.repeat(20_000)}\r\n`), 431, 'headers_too_large'),
  row('a thousand headers', get('/live', 'X-A: aaaaaaaaaaaaaa\r\n'.repeat(1000)), 431, 'headers_too_large'),
  row(
    'Content-Length and Transfer-Encoding (CL.TE)',
    `POST /session HTTP/1.1\r\n${host}Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG`,
    400,
    'malformed_request',
  ),
  row(
    'Transfer-Encoding and Content-Length (TE.CL)',
    `POST /session HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n5c\r\nGPOST / HTTP/1.1\r\n\r\n0\r\n\r\n`,
    400,
    'malformed_request',
  ),
  row(
    'two different Content-Lengths',
    `POST /session HTTP/1.1\r\n${host}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!`,
    400,
    'malformed_request',
  ),
  row(
    'a Content-Length that is no number',
    `POST /session HTTP/1.1\r\n${host}Content-Length: +5\r\n\r\nhello`,
    400,
    'malformed_request',
  ),
  row(
    'a negative Content-Length',
    `POST /session HTTP/1.1\r\n${host}Content-Length: -1\r\n\r\n`,
    400,
    'malformed_request',
  ),
  row(
    'an endless Content-Length',
    `POST /session HTTP/1.1\r\n${host}Content-Length: 99999999999999999999999\r\n\r\n`,
    400,
    'malformed_request',
  ),
  row(
    'an unknown Transfer-Encoding',
    `POST /session HTTP/1.1\r\n${host}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`,
    400,
    'malformed_request',
  ),
  row(
    'chunked twice',
    `POST /session HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n`,
    400,
    'malformed_request',
  ),
  row(
    'a chunk size that is no number',
    `POST /session HTTP/1.1\r\n${host}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n`,
    400,
    'malformed_request',
  ),
  row('an expectation of its own', get('/live', 'Expect: a-miracle\r\n'), 417, 'expectation_failed'),
  row(
    'a request to be a tunnel',
    `CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n`,
    501,
    'method_not_implemented',
  ),
];

const hosts: Hostile[] = [
  row('no Host', 'GET /live HTTP/1.1\r\n\r\n', 400, 'invalid_host'),
  row('no Host in HTTP/1.0', 'GET /live HTTP/1.0\r\n\r\n', 400, 'invalid_host'),
  row('two Hosts', 'GET /live HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n\r\n', 400, 'invalid_host'),
  row('an empty Host', 'GET /live HTTP/1.1\r\nHost:\r\n\r\n', 400, 'invalid_host'),
  row('a Host with a user', 'GET /live HTTP/1.1\r\nHost: good@evil\r\n\r\n', 400, 'invalid_host'),
  row('a Host with a path', 'GET /live HTTP/1.1\r\nHost: localhost/evil\r\n\r\n', 400, 'invalid_host'),
  row('a Host with a bad port', 'GET /live HTTP/1.1\r\nHost: localhost:port\r\n\r\n', 400, 'invalid_host'),
  row(
    'a target that names another host',
    'GET http://evil.example/live HTTP/1.1\r\nHost: localhost\r\n\r\n',
    400,
    'invalid_host',
  ),
];

const paths: Hostile[] = [
  row('a broken encoding', get('/files/%zz'), 400, 'invalid_path'),
  row('half an encoding', get('/files/%'), 400, 'invalid_path'),
  row('overlong UTF-8', get('/files/%c0%ae%c0%ae'), 400, 'invalid_path'),
  row('an encoded NUL', get('/files/%00'), 400, 'invalid_path'),
  row('an encoded line end', get('/files/a%0d%0aX-A:%20b'), 400, 'invalid_path'),
  row('an asterisk', `OPTIONS * HTTP/1.1\r\n${host}\r\n`, 400, 'invalid_path'),
  row('another scheme', `GET ftp://localhost/live HTTP/1.1\r\n${host}\r\n`, 400, 'invalid_path'),
  row('a backslash', get('/\\evil'), 400, 'invalid_path'),
  row('dots that climb', get('/../../etc/passwd'), 404, 'not_found'),
  row('encoded dots that climb', get('/files/..%2f..%2fetc%2fpasswd', key), 422, 'invalid_input'),
  row('two slashes', get('//evil.example/live'), 404, 'not_found'),
  row('another case', get('/LIVE'), 404, 'not_found'),
  row('a slash too many', get('/live/'), 404, 'not_found'),
  row('a prototype as path', get('/__proto__'), 404, 'not_found'),
  row('3,000 characters', get(`/${'a'.repeat(3000)}`), 414, 'path_too_long'),
];

const methods: Hostile[] = [
  row('PUT', request('PUT /session'), 405, 'method_not_allowed'),
  row('TRACE', request('TRACE /session'), 501, 'method_not_implemented'),
  row('PROPFIND', request('PROPFIND /'), 501, 'method_not_implemented'),
  row('a method that does not exist', request('HACK /live'), 400, 'malformed_request'),
  row('a lower-case method', request('get /live'), 400, 'malformed_request'),
  row('POST where only GET is', post('/live', '{}'), 405, 'method_not_allowed'),
  row('DELETE of the health', request('DELETE /health'), 405, 'method_not_allowed'),
  row(
    'a POST from another site',
    post('/session', '{"user":"x"}', 'Sec-Fetch-Site: cross-site\r\nContent-Type: application/json\r\n'),
    403,
    'cross_site',
  ),
  row(
    'a POST with another origin',
    post('/session', '{"user":"x"}', 'Origin: https://evil.example\r\nContent-Type: application/json\r\n'),
    403,
    'cross_site',
  ),
  row(
    'a POST with the origin null',
    post('/session', '{"user":"x"}', 'Origin: null\r\nContent-Type: application/json\r\n'),
    403,
    'cross_site',
  ),
];

const keys: Hostile[] = [
  row('no key', get('/files'), 401, 'key_missing'),
  row('an empty key', get('/files', 'X-API-Key:\r\n'), 401, 'key_invalid'),
  row('a key of nonsense', get('/files', "X-API-Key: ' OR 1=1 --\r\n"), 401, 'key_invalid'),
  row('a key of 10,000 characters', get('/files', `X-API-Key: ${'k'.repeat(10_000)}\r\n`), 401, 'key_invalid'),
  row('two keys', get('/files', `${key}${key}`), 401, 'key_invalid'),
  row('a prototype as key', get('/files', 'X-API-Key: __proto__\r\n'), 401, 'key_invalid'),
];

const bodies: Hostile[] = [
  row('no body', request('POST /session', 'Content-Type: application/json\r\n'), 411, 'length_required'),
  row(
    'an empty body',
    `POST /session HTTP/1.1\r\n${host}Content-Type: application/json\r\nContent-Length: 0\r\n\r\n`,
    400,
    'invalid_json',
  ),
  row('half of JSON', post('/session', '{"user":'), 400, 'invalid_json'),
  row('JSON with a BOM', post('/session', '\xef\xbb\xbf\xef\xbb\xbf{"user":"x"}'), 400, 'invalid_json'),
  row('bytes that are not UTF-8', post('/session', '{"user":"\xff\xfe"}'), 400, 'invalid_json'),
  row('an array', post('/session', '[]'), 422, 'invalid_input'),
  row('null', post('/session', 'null'), 422, 'invalid_input'),
  row('30,000 open brackets', post('/session', '['.repeat(30_000)), 400, 'invalid_json'),
  row(
    '30,000 nested objects',
    post('/session', `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`),
    400,
    'invalid_json',
  ),
  row('a prototype as field', post('/session', '{"user":"x","__proto__":{"admin":true}}'), 422, 'invalid_input'),
  row(
    'a constructor as field',
    post('/session', '{"constructor":{"prototype":{"x":1}},"user":"x"}'),
    422,
    'invalid_input',
  ),
  row('an object as name', post('/session', '{"user":{"toString":1}}'), 422, 'invalid_input'),
  row('a line end in the name', post('/session', '{"user":"a\\r\\nSet-Cookie: x=y"}'), 422, 'invalid_input'),
  row('half a surrogate in the name', post('/session', '{"user":"\\ud800"}'), 422, 'invalid_input'),
  row('70 KB of JSON', post('/session', `{"user":"${'x'.repeat(70_000)}"}`), 413, 'body_too_large'),
  row(
    'JSON under another type',
    post('/session', '{"user":"x"}', 'Content-Type: text/plain\r\n'),
    415,
    'unsupported_media_type',
  ),
  row(
    'JSON in another charset',
    post('/session', '{"user":"x"}', 'Content-Type: application/json; charset=utf-16\r\n'),
    415,
    'unsupported_media_type',
  ),
  row(
    'compressed JSON',
    post('/session', '{"user":"x"}', 'Content-Type: application/json\r\nContent-Encoding: gzip\r\n'),
    415,
    'unsupported_media_type',
  ),
  row(
    'a form where JSON is due',
    post('/session', 'user=x', 'Content-Type: application/x-www-form-urlencoded\r\n'),
    415,
    'unsupported_media_type',
  ),
  row('a query where none is', get('/session?user=x'), 422, 'invalid_input'),
  row('a query twice', get('/files?limit=1&limit=2', key), 422, 'invalid_input'),
  row('a query as array', get('/files?limit[]=1', key), 422, 'invalid_input'),
  row('a prototype as query', get('/files?__proto__=1', key), 422, 'invalid_input'),
  row('a NUL in a query', get('/files?cursor=a%00b', key), 422, 'invalid_input'),
  row('a limit out of range', get('/files?limit=1000000', key), 422, 'invalid_input'),
  row('a cursor of nonsense', get('/files?cursor=nonsense', key), 422, 'invalid_input'),
];

const loads: Hostile[] = [
  row('a burn of nothing', get('/load/0', key), 422, 'invalid_input'),
  row('a negative burn', get('/load/-1', key), 422, 'invalid_input'),
  row('a burn for ever', get('/load/99999999999999999999', key), 422, 'invalid_input'),
  row('a burn in exponents', get('/load/1e9', key), 422, 'invalid_input'),
  row('a burn above the limit', get('/load/999999', key), 422, 'invalid_input'),
];

const uploads: Hostile[] = [
  row(
    'a form without a boundary',
    post('/upload', filePart, `${key}Content-Type: multipart/form-data\r\n`),
    422,
    'invalid_multipart',
  ),
  row('a form with an endless boundary', form('x', 'b'.repeat(100)), 422, 'invalid_multipart'),
  row('a form without its boundary', form('no boundary in here'), 422, 'invalid_multipart'),
  row(
    'a form without a file',
    form(`${part('Content-Disposition: form-data; name="other"', 'x')}--b--\r\n`),
    422,
    'invalid_multipart',
  ),
  row('a form cut short', form(filePart), 422, 'invalid_multipart'),
  row('two files', form(`${filePart}${filePart}--b--\r\n`), 422, 'invalid_multipart'),
  row(
    'a part without a name',
    form(`${part('Content-Disposition: form-data', 'x')}--b--\r\n`),
    422,
    'invalid_multipart',
  ),
  row('a part without headers', form('--b\r\n\r\nx\r\n--b--\r\n'), 422, 'invalid_multipart'),
  row(
    'a part with endless headers',
    form(
      `${part(`Content-Disposition: form-data; name="file"; filename="a"\r\nX-A: ${'a'.repeat(20_000)}`, 'x')}--b--\r\n`,
    ),
    422,
    'invalid_multipart',
  ),
  row(
    'a thousand parts',
    form(`${part('Content-Disposition: form-data; name="x"', 'y').repeat(1000)}${filePart}--b--\r\n`),
    422,
    'invalid_multipart',
  ),
  row(
    'a compressed upload',
    post('/upload', 'x', `${key}Content-Encoding: gzip\r\nContent-Disposition: attachment; filename=a\r\n`),
    415,
    'unsupported_media_type',
  ),
  row(
    'an upload larger than the limit',
    `POST /upload HTTP/1.1\r\n${host}${key}Content-Disposition: attachment; filename=a\r\nContent-Length: 99999999999\r\n\r\n`,
    413,
    'body_too_large',
  ),
  row(
    'an Idempotency-Key of 300 characters',
    post(
      '/upload',
      'x',
      `${key}Content-Disposition: attachment; filename=a\r\nIdempotency-Key: ${'i'.repeat(300)}\r\n`,
    ),
    422,
    'invalid_input',
  ),
];

const files: Hostile[] = [
  row('an id that is SQL', get("/files/1'%20OR%20'1'='1", key), 422, 'invalid_input'),
  row('an id of zeros', get('/files/00000000-0000-0000-0000-000000000000', key), 404, 'not_found'),
  row('an id that is a prototype', get('/files/__proto__', key), 422, 'invalid_input'),
  row('the deletion of nothing', request('DELETE /files/00000000-0000-4000-8000-000000000000', key), 404, 'not_found'),
  row('a key without fields', post('/keys', '{}', `${key}Content-Type: application/json\r\n`), 422, 'invalid_input'),
  row(
    'a key with a scope that does not exist',
    post('/keys', '{"name":"x","scopes":["root"]}', `${key}Content-Type: application/json\r\n`),
    422,
    'invalid_input',
  ),
  row('the revocation of nonsense', request('DELETE /keys/nonsense', key), 422, 'invalid_input'),
];

export const hostileRequests: readonly Hostile[] = [
  ...framing,
  ...hosts,
  ...paths,
  ...methods,
  ...keys,
  ...bodies,
  ...loads,
  ...uploads,
  ...files,
];
