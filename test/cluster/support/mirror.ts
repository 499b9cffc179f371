// Stands in for web sites that a program downloads from, at their own addresses: HTTPS behind a proxy that knows no others.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificates } from '../../support/certificates.ts';

export interface Mirror {
  /** Variables that send a program written in Go here, and have it believe the certificate. */
  environment: Record<string, string>;
  /** Every address that was asked for, in order; of a host that is not served, `host:port`. */
  asked: string[];
  stop(): void;
}

/** @param files address → text */
export async function startMirror(files: ReadonlyMap<string, string>): Promise<Mirror> {
  const hosts = [...new Set([...files.keys()].map((address) => new URL(address).host))];
  const folder = mkdtempSync(join(tmpdir(), 'slipway-mirror-'));
  const { caFile, certFile, keyFile } = makeCertificates(hosts, folder);
  const asked: string[] = [];

  const site = createTlsServer({ cert: readFileSync(certFile), key: readFileSync(keyFile) }, (request, response) => {
    const address = `https://${request.headers.host}${request.url}`;
    asked.push(address);
    const text = files.get(address);
    response.writeHead(text === undefined ? 404 : 200).end(text);
  });
  const proxy = createServer().on('connect', (request, socket, head) => {
    const target = request.url ?? '';
    if (!hosts.includes(target.replace(/:443$/, ''))) {
      asked.push(target);
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
      return;
    }
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
    socket.unshift(head);
    site.emit('connection', socket);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const { port } = proxy.address() as AddressInfo;
  return {
    environment: {
      HTTPS_PROXY: `http://127.0.0.1:${port}`,
      NO_PROXY: '127.0.0.1,localhost,10.0.0.0/8',
      SSL_CERT_FILE: caFile,
    },
    asked,
    stop() {
      site.close();
      proxy.close();
      rmSync(folder, { recursive: true });
    },
  };
}
