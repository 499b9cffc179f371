// Authorities and server certificates made for one test.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sharedServers } from './shared-servers.ts';

export interface Certificates {
  /** The authority, in PEM. */
  ca: string;
  caFile: string;
  certFile: string;
  keyFile: string;
}

const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'pipe' });

/**
 * A new authority, and a certificate of it.
 *
 * @param host name or address, or several of them
 * @param parent folder that gets a folder of these files; of the run, unless given
 */
export function makeCertificates(host: string | readonly string[], parent = sharedServers().dir): Certificates {
  const dir = mkdtempSync(join(parent, 'tls-'));
  chmodSync(dir, 0o755);
  const path = (name: string) => join(dir, name);
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl(
    'req',
    '-x509',
    ...key,
    '-keyout',
    path('ca.key'),
    '-out',
    path('ca.pem'),
    '-days',
    '2',
    '-subj',
    '/CN=test authority',
  );
  const hosts = [host].flat();
  openssl('req', ...key, '-keyout', path('server.key'), '-out', path('server.csr'), '-subj', `/CN=${hosts[0]}`);
  const names = hosts.map((each) => (/^[\d.]+$/.test(each) ? `IP:${each}` : `DNS:${each}`));
  writeFileSync(path('names'), `subjectAltName=${names}\n`);
  const sign = [
    '-CA',
    path('ca.pem'),
    '-CAkey',
    path('ca.key'),
    '-CAcreateserial',
    '-days',
    '2',
    '-extfile',
    path('names'),
  ];
  openssl('x509', '-req', '-in', path('server.csr'), '-out', path('server.pem'), ...sign);
  return {
    ca: readFileSync(path('ca.pem'), 'utf8'),
    caFile: path('ca.pem'),
    certFile: path('server.pem'),
    keyFile: path('server.key'),
  };
}
