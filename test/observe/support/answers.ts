// Tiny servers that answer in place of Prometheus, for what cannot be had: a version from years ago, and no Prometheus at all.
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

const running: Server[] = [];

/** @returns its address */
export function answering(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  running.push(server);
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
  });
}

/** Hands everything on to a real Prometheus, but says to be of another version. */
export const ofVersion = (version: string, prometheus: string): Promise<string> =>
  answering(async (request, response) => {
    if (request.url !== '/api/v1/status/buildinfo') return handOn(prometheus, request, response);
    response.writeHead(200, json).end(JSON.stringify({ status: 'success', data: { version } }));
  });

/** Hands everything on to a real Prometheus for whoever gives `user:password`, as a proxy before it does. */
export const guarded = (prometheus: string, credentials: string): Promise<string> =>
  answering(async (request, response) => {
    const wanted = `Basic ${Buffer.from(credentials).toString('base64')}`;
    if (request.headers.authorization === wanted) return handOn(prometheus, request, response);
    response.writeHead(401, { 'WWW-Authenticate': 'Basic' }).end('who are you?');
  });

const json = { 'Content-Type': 'application/json' };

async function handOn(prometheus: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const { method = 'GET' } = request;
  const type = request.headers['content-type'];
  const answer = await fetch(`${prometheus}${request.url}`, {
    method,
    ...(type === undefined ? {} : { headers: { 'Content-Type': type } }),
    ...(method === 'GET' ? {} : { body: Buffer.concat(chunks) }),
  });
  response.writeHead(answer.status, json).end(await answer.text());
}

export function endAnswering(): void {
  for (const server of running.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
}
