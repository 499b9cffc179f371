import * as z from 'zod';
import { route } from '../route.ts';

const schema = z.strictObject({
  status: z.enum(['starting', 'ready', 'draining']),
  instance: z.string(),
  dependencies: z.record(z.string(), z.strictObject({ state: z.enum(['up', 'down']), latencyMs: z.number() })),
});

export const getHealth = route({
  method: 'GET',
  path: '/health',
  summary: 'Readiness',
  description:
    'For load balancers and readiness probes: 200 once started and until the drain begins. Names each dependency; a lost one never makes it fail, or all replicas would go at once.',
  scope: null,
  rateLimit: 'none',
  responses: { 200: { description: 'Ready.', schema }, 503: { description: 'Starting or draining.', schema } },
  async handle(_, { health, settings }) {
    const dependencies = await health.dependencies();
    return {
      status: health.phase === 'ready' ? 200 : 503,
      body: { status: health.phase, instance: settings.INSTANCE, dependencies },
    };
  },
});
