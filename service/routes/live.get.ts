import * as z from 'zod';
import { route } from '../route.ts';

export const getLive = route({
  method: 'GET',
  path: '/live',
  summary: 'Liveness',
  description: 'Answers as long as the event loop turns. No dependency can make it fail.',
  scope: null,
  rateLimit: 'none',
  responses: { 200: { description: 'The process lives.', schema: z.strictObject({ status: z.literal('live') }) } },
  handle: () => ({ status: 200, body: { status: 'live' } }),
});
