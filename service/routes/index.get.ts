import * as z from 'zod';
import { type RouteDeclaration, route } from '../route.ts';

const schema = z.strictObject({
  service: z.string(),
  instance: z.string(),
  routes: z.array(
    z.strictObject({ method: z.string(), path: z.string(), scope: z.string().nullable(), summary: z.string() }),
  ),
});

/** The route that lists the others. */
export const indexOf = (routes: readonly RouteDeclaration[]): RouteDeclaration =>
  route({
    method: 'GET',
    path: '/',
    summary: 'What is here',
    description: 'Lists the routes with the scope that a key needs for each.',
    scope: null,
    rateLimit: 'address',
    responses: { 200: { description: 'The routes.', schema } },
    handle: (_, { settings }) => ({
      status: 200,
      body: {
        service: 'slipway',
        instance: settings.INSTANCE,
        routes: routes.map(({ method, path, scope, summary }) => ({ method, path, scope, summary })),
      },
    }),
  });
