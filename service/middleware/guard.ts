// Refuses what no honest client sends, before anything else looks at it: targets, hosts, methods, cross-site writes.
import type { IncomingMessage } from 'node:http';
import { Problem } from '../errors.ts';
import { header } from '../exchange.ts';

const longestTarget = 2048;
/** Of RFC 9110 and RFC 5789, those that mean something here. */
export const knownMethods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
const hostPattern = /^(?:[a-z0-9](?:[a-z0-9.-]{0,252}[a-z0-9])?|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?$/i;

/** The only Host header. Node keeps the first of several and drops the others, so the raw ones are counted. */
function hostOf(message: IncomingMessage): string {
  let host: string | undefined;
  const raw = message.rawHeaders;
  for (let i = 0; i < raw.length; i += 2) {
    if (raw[i]?.length !== 4 || raw[i]?.toLowerCase() !== 'host') continue;
    if (host !== undefined) throw new Problem('invalid_host', 'Host is given twice.');
    host = raw[i + 1];
  }
  if (host === undefined || !hostPattern.test(host)) throw new Problem('invalid_host');
  return host.toLowerCase();
}

/** The path and query of the target. The absolute form is accepted when it names the same host. */
function originForm(target: string, host: string): string {
  if (target.startsWith('/')) return target;
  const absolute = /^https?:\/\/([^/?#]+)(\/[^#]*)?$/i.exec(target);
  if (!absolute) throw new Problem('invalid_path');
  if (absolute[1]?.toLowerCase() !== host) throw new Problem('invalid_host', 'The request target names another host.');
  return absolute[2] ?? '/';
}

/** A path has the characters of RFC 3986 and nothing hidden in its encoding. */
function checkPath(target: string): void {
  const query = target.indexOf('?');
  const path = query === -1 ? target : target.slice(0, query);
  if (/[^!$%&'()*+,\-./0-9:;=@A-Z_a-z~]/.test(path)) throw new Problem('invalid_path');
  if (!path.includes('%')) return;
  let decoded: string;
  try {
    decoded = decodeURIComponent(path);
  } catch {
    throw new Problem('invalid_path', 'The path has a broken percent-encoding.');
  }
  if (/\p{Cc}/u.test(decoded)) throw new Problem('invalid_path', 'The path has a control character.');
}

/**
 * A browser says where a request comes from: a state-changing one must come from here.
 * Sec-Fetch-Site where the browser sends it, else Origin. Other clients send neither.
 */
function checkSite(message: IncomingMessage, host: string): void {
  if (message.method === 'GET' || message.method === 'HEAD' || message.method === 'OPTIONS') return;
  const site = header(message, 'sec-fetch-site');
  if (site !== undefined) {
    if (site !== 'same-origin' && site !== 'none') throw new Problem('cross_site');
    return;
  }
  const origin = header(message, 'origin');
  if (origin !== undefined && URL.parse(origin)?.host.toLowerCase() !== host.replace(/:(?:80|443)$/, '')) {
    throw new Problem('cross_site');
  }
}

/**
 * @param allowedHosts lower-case names, or `*`; health checks come with the address of the replica and are let through
 * @throws Problem
 */
export function guard(message: IncomingMessage, allowedHosts: readonly string[]): void {
  const target = message.url ?? '';
  if (target.length > longestTarget) throw new Problem('path_too_long');
  const host = hostOf(message);
  const path = originForm(target, host);
  checkPath(path);
  message.url = path;
  if (!knownMethods.has(message.method ?? '')) throw new Problem('method_not_implemented');
  if (!allowedHosts.includes('*') && path !== '/health' && path !== '/live') {
    if (!allowedHosts.includes(host.replace(/:\d+$/, ''))) throw new Problem('host_not_allowed');
  }
  checkSite(message, host);
}
