// The cookie that holds the session's id and nothing else.
import { header } from './exchange.ts';
import type { Exchange } from './route.ts';

/** Behind TLS the name itself makes browsers insist on Secure, Path=/ and no Domain (RFC 6265bis, "__Host-"). */
const secureName = '__Host-session';
const plainName = 'session';
const pattern = {
  secure: /(?:^|;\s*)__Host-session=([\w-]{24})(?:;|$)/,
  plain: /(?:^|;\s*)session=([\w-]{24})(?:;|$)/,
};

/** The id that the client presents, if it looks like one. */
export function presentedSessionId({ message, client }: Exchange): string | undefined {
  const cookie = header(message, 'cookie');
  return cookie === undefined ? undefined : (client.secure ? pattern.secure : pattern.plain).exec(cookie)?.[1];
}

/** Set-Cookie for a new id; an empty id makes the browser forget it. */
export function sessionCookie(id: string, { client }: Exchange): string {
  const age = id === '' ? '; Max-Age=0' : '';
  return client.secure
    ? `${secureName}=${id}; Path=/; HttpOnly; SameSite=Lax; Secure${age}`
    : `${plainName}=${id}; Path=/; HttpOnly; SameSite=Lax${age}`;
}
