// From the declared routes to Koa's router: ready? → key and scope → rate limit → input → handler → audit → answer.
import { Router } from '@koa/router';
import type { Middleware } from 'koa';
import { type ErrorCode, Problem } from './errors.ts';
import type { HttpExchange } from './exchange.ts';
import { authenticate } from './middleware/authenticate.ts';
import { readInput } from './middleware/input.ts';
import { respond } from './middleware/respond.ts';
import type { RouteDeclaration } from './route.ts';
import type { Services } from './services.ts';

/** Koa's context with the exchange that app.ts put there. */
export interface ExchangeContext {
  exchange: HttpExchange;
}

const probes = new Set(['/health', '/live']);

/** Whether a request is one of a load balancer or a kubelet, not of a client. */
export function isProbe(target: string | undefined): boolean {
  return probes.has(target ?? '');
}

/** What a key has changed, and which keys were refused. */
function audit(
  { method, path }: RouteDeclaration,
  { caller, client, log }: HttpExchange,
  outcome: { status: number; target?: string | undefined; code?: ErrorCode },
): void {
  log.info({
    event: 'audit',
    action: `${method} ${path}`,
    ...outcome,
    keyId: caller?.keyId,
    keyName: caller?.name,
    client: client.address,
  });
}

async function answer(
  declaration: RouteDeclaration,
  services: Services,
  exchange: HttpExchange,
  params: Record<string, string>,
  closing: () => boolean,
): Promise<void> {
  const { scope, rateLimit } = declaration;
  const { limits, keys, health } = services;
  exchange.route = declaration.path;
  if (!health.started && !probes.has(declaration.path)) throw new Problem('not_ready');
  if (scope !== null) {
    await authenticate(exchange, scope, keys, limits).catch((error: unknown) => {
      if (error instanceof Problem) audit(declaration, exchange, { status: error.status, code: error.code });
      throw error;
    });
  }
  if (rateLimit === 'key') await limits.take('key', exchange.caller?.keyId ?? '', exchange.noteRateLimit);
  else if (rateLimit === 'address') await limits.take('address', exchange.client.address, exchange.noteRateLimit);
  const input = await readInput(declaration, exchange.message, params);
  const reply = await declaration.handle(input, services, exchange);
  if (scope !== null && declaration.method !== 'GET') {
    const created = reply.body as { id?: string } | undefined;
    audit(declaration, exchange, { status: reply.status, target: params.id ?? created?.id });
  }
  await respond(exchange, reply, closing());
}

/**
 * @param closing whether connections shall be closed after their answer
 * @returns the router's middleware, and one that answers what no route matches
 */
export function createRouter(
  routes: readonly RouteDeclaration[],
  services: Services,
  closing: () => boolean,
): Middleware<object, ExchangeContext>[] {
  const router = new Router<object, ExchangeContext>({ strict: true, sensitive: true });
  for (const declaration of routes) {
    router.register(declaration.path, [declaration.method], (context) =>
      answer(declaration, services, context.exchange, context.params, closing),
    );
  }
  const unmatched: Middleware<object, ExchangeContext> = async ({ exchange, path, method }) => {
    const allowed = [...new Set(router.match(path, method).path.flatMap((layer) => layer.methods))];
    if (allowed.length === 0) throw new Problem('not_found');
    const headers = { Allow: [...allowed, 'OPTIONS'].join(', ') };
    if (method !== 'OPTIONS') throw new Problem('method_not_allowed', undefined, { headers });
    await respond(exchange, { status: 204, headers }, closing());
  };
  // Most requests name a route without parameters exactly: a look-up costs less than matching every route.
  const fixed = new Map(routes.map((declaration) => [`${declaration.method} ${declaration.path}`, declaration]));
  const exact: Middleware<object, ExchangeContext> = async ({ exchange, req }, next) => {
    const declaration = fixed.get(`${req.method} ${req.url}`);
    if (declaration === undefined || declaration.path.includes(':')) await next();
    else await answer(declaration, services, exchange, {}, closing);
  };
  return [exact, router.routes() as Middleware<object, ExchangeContext>, unmatched];
}
