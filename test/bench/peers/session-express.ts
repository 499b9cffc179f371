// GET /session as Express, express-session and connect-redis do it by their own documentation, and nothing else: no rate limit, no logs.
import { RedisStore } from 'connect-redis';
import express from 'express';
import session from 'express-session';
import { createClient } from 'redis';

declare module 'express-session' {
  interface SessionData {
    views: number;
    user: string | null;
  }
}

const client = createClient({ url: process.env.REDIS_URL ?? '' });
await client.connect();

const app = express();
app.use(
  session({
    store: new RedisStore({ client, prefix: 'express:', ttl: 1800 }),
    resave: false,
    saveUninitialized: false,
    secret: 'a secret of the benchmark',
    cookie: { httpOnly: true, sameSite: 'lax' },
  }),
);
app.get('/session', (request, response) => {
  const views = (request.session.views ?? 0) + 1;
  request.session.views = views;
  response.json({ views, user: request.session.user ?? null, instance: 'bench' });
});
const server = app.listen(Number(process.env.PORT), '127.0.0.1');
server.keepAliveTimeout = 75_000; // as the service
