// Serves the page of `make observe` and its data, to browsers of this machine only.
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { stripTypeScriptTypes } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { portIsFree } from '../ports.ts';
import { collect, model, type Source } from './data.ts';
import { ObserveError } from './options.ts';
import { rangesMinutes } from './page/shapes.ts';
import { runbookPage } from './runbook.ts';

const usualPort = 3030;
const lastPort = 3049;
const pageFolder = join(import.meta.dirname, 'page');
const chartFolder = dirname(fileURLToPath(import.meta.resolve('uplot')));

const html = 'text/html; charset=utf-8';
const script = 'text/javascript; charset=utf-8';
const style = 'text/css; charset=utf-8';
const files: Readonly<Record<string, { folder: string; name: string; type: string }>> = {
  '/': { folder: pageFolder, name: 'index.html', type: html },
  '/page.css': { folder: pageFolder, name: 'page.css', type: style },
  '/uplot.css': { folder: chartFolder, name: 'uPlot.min.css', type: style },
  '/uplot.js': { folder: chartFolder, name: 'uPlot.esm.js', type: script },
  ...Object.fromEntries(
    ['page.ts', 'panels.ts', 'chart.ts', 'elements.ts', 'notices.ts', 'units.ts', 'shapes.ts'].map((name) => [
      `/${name}`,
      { folder: pageFolder, name, type: script },
    ]),
  ),
};

const headers = {
  // Nothing from elsewhere, whatever a label of a series may hold.
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-store',
};

export interface PageServer {
  /** http://localhost:PORT */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Serves the page on 127.0.0.1.
 *
 * @param port default: 3030, or the next free one
 * @throws ObserveError when the port is taken
 */
export async function servePage(source: Source, port?: number): Promise<PageServer> {
  const server = createServer((request, response) => {
    answer(source, request, response).catch((error: Error) => {
      console.error(error.stack);
      send(response, 500, 'text/plain', 'make observe failed; see its terminal\n');
    });
  });
  const listening = await listen(server, port);
  return {
    url: `http://localhost:${listening}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function listen(server: Server, wanted?: number): Promise<number> {
  for (let port = wanted ?? usualPort; port <= (wanted ?? lastPort); port += 1) {
    // Who listens on another address of localhost would get what is meant for us.
    const free = await portIsFree(port, '::1').catch(() => true);
    if (!free) continue;
    if (await listened(server, port)) return port;
  }
  if (wanted === undefined)
    throw new ObserveError(`Ports ${usualPort} to ${lastPort} are all taken; choose one: --port NUMBER`);
  throw new ObserveError(
    `Port ${wanted} is taken; choose another: --port ${wanted === 65_535 ? usualPort : wanted + 1}, or leave --port out`,
  );
}

/** Whether it could; somebody else may have been faster. */
function listened(server: Server, port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(false);
      else if (error.code === 'EACCES')
        reject(new ObserveError(`Port ${port} needs privileges; choose another: --port ${usualPort}`));
      else reject(error);
    };
    server.once('error', failed);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', failed);
      resolve(true);
    });
  });
}

async function answer(source: Source, request: IncomingMessage, response: ServerResponse): Promise<void> {
  // A page elsewhere may have its name point here: its requests carry that name.
  if (!/^(localhost|127\.0\.0\.1)(:\d+)?$/.test(request.headers.host ?? ''))
    return send(response, 403, 'text/plain', 'Only for browsers of this machine.\n');
  if (request.method !== 'GET') return send(response, 405, 'text/plain', 'Only GET.\n');
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
  if (pathname === '/model.json') return sendJson(response, model(source));
  if (pathname === '/data.json') {
    const minutes = rangesMinutes.find((range) => `${range}` === searchParams.get('minutes'));
    if (minutes === undefined)
      return send(response, 400, 'text/plain', `minutes must be one of ${rangesMinutes.join(', ')}\n`);
    return sendJson(response, await collect(source, minutes));
  }
  if (pathname.startsWith('/runbook/')) {
    const page = await runbookPage(pathname.slice('/runbook/'.length));
    return page === undefined
      ? send(response, 404, 'text/plain', 'docs/operations.md has no such section.\n')
      : send(response, 200, html, page);
  }
  const file = files[pathname];
  if (!file) return send(response, 404, 'text/plain', 'There is only the page at /.\n');
  const text = await readFile(join(file.folder, file.name), 'utf8');
  send(response, 200, file.type, file.name.endsWith('.ts') ? stripTypeScriptTypes(text) : text);
}

const sendJson = (response: ServerResponse, value: unknown) =>
  send(response, 200, 'application/json', JSON.stringify(value));

function send(response: ServerResponse, status: number, type: string, text: string): void {
  response.writeHead(status, { ...headers, 'Content-Type': type }).end(text);
}
