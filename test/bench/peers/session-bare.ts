// GET /session with the service's own Lua script on bare node:http and ioredis: no framework, no logs, no metrics, no checks.
import { createServer } from 'node:http';
import { Redis } from 'ioredis';
import { limitOf } from '../../../service/stores/limits.ts';
import { type SessionAnswer, withScripts } from '../../../service/stores/scripts.ts';
import { freshSessionId } from '../../../service/stores/sessions.ts';

const redis = withScripts(new Redis(process.env.REDIS_URL ?? ''));
const { interval, burst } = limitOf('address', 10_000_000);
const ttlMs = 1_800_000;

const server = createServer(async (request, response) => {
  const id = /(?:^|;\s*)session=([\w-]{24})/.exec(request.headers.cookie ?? '')?.[1];
  const freshId = freshSessionId();
  const [, , views, user, fresh] = (await redis.slipwayView(
    `{bare}:limit:${request.socket.remoteAddress}`,
    `{bare}:session:${id ?? freshId}`,
    `{bare}:session:${freshId}`,
    interval,
    burst,
    ttlMs,
  )) as SessionAnswer;
  const body = JSON.stringify({ views, user: user === '' ? null : user, instance: 'bench' });
  const headers = ['Content-Type', 'application/json; charset=utf-8', 'Content-Length', `${Buffer.byteLength(body)}`];
  if (fresh === 1) headers.push('Set-Cookie', `session=${freshId}; Path=/; HttpOnly; SameSite=Lax`);
  response.writeHead(200, headers).end(body);
});
server.keepAliveTimeout = 75_000; // as the service
server.listen(Number(process.env.PORT), '127.0.0.1');
