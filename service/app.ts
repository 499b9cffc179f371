// The order in which a request passes: answer (errors, log, metrics) → guard → router → unmatched.
import Koa from 'koa';
import type { Logger } from 'pino';
import type { Drain } from './drain.ts';
import { Problem } from './errors.ts';
import { HttpExchange } from './exchange.ts';
import type { Metrics } from './metrics.ts';
import { guard } from './middleware/guard.ts';
import { observe } from './middleware/observe.ts';
import { respondProblem } from './middleware/respond.ts';
import { createRouter, type ExchangeContext, isProbe } from './router.ts';
import { routes } from './routes/index.ts';
import type { Services } from './services.ts';
import type { Tracing } from './tracing/tracing.ts';

export interface AppParts {
  services: Services;
  log: Logger;
  metrics: Metrics;
  drain: Pick<Drain, 'arrived' | 'draining'>;
  tracing: Tracing | undefined;
}

export function createApp({ services, log, metrics, drain, tracing }: AppParts): Koa<object, ExchangeContext> {
  const { settings } = services;
  const options = {
    log,
    trustedProxyHops: settings.TRUSTED_PROXY_HOPS,
    longestRequestMs: settings.LONGEST_REQUEST_SECONDS * 1000,
  };
  const closing = () => drain.draining;
  const app = new Koa<object, ExchangeContext>();
  app.on('error', () => undefined); // answered and logged below

  app.use(async function answer(context, next) {
    context.respond = false;
    const exchange = new HttpExchange(context.req, context.res, options);
    context.exchange = exchange;
    const probe = isProbe(context.req.url);
    drain.arrived(probe);
    const span = probe ? undefined : tracing?.request(exchange);
    let fault: unknown;
    try {
      await (span === undefined ? next() : span.run(next));
    } catch (error) {
      fault = exchange.timedOut(error) ? new Problem('request_timeout') : error;
      const problem = fault instanceof Problem ? fault : undefined;
      if (problem?.cause !== undefined) exchange.log.warn({ event: 'fault', code: problem.code, error: problem.cause });
      else if (problem === undefined && !exchange.clientLeft(error)) exchange.log.error({ event: 'fault', error });
      await respondProblem(exchange, fault, problem?.headers ?? {}, closing());
    }
    observe(exchange, log, metrics, fault);
    span?.end(fault);
  });
  app.use(async function checkRequest(context, next) {
    guard(context.req, settings.ALLOWED_HOSTS);
    await next();
  });
  for (const middleware of createRouter(routes, services, closing)) app.use(middleware);
  return app;
}
