import * as z from 'zod';
import { Problem } from '../errors.ts';
import { route } from '../route.ts';

const params = z.strictObject({
  ms: z
    .string()
    .regex(/^\d{1,15}$/, 'must be a whole number of ms')
    .transform(Number)
    .refine((ms) => ms >= 1, 'must be at least 1 ms'),
});

export const getLoad = route({
  method: 'GET',
  path: '/load/:ms',
  summary: 'Burn CPU',
  description:
    'Burns that many ms of one core, for demonstrations of scaling. LOAD_MAX_MS is the most; the event loop stays free.',
  scope: 'load',
  rateLimit: 'key',
  params,
  responses: {
    200: { description: 'Burnt.', schema: z.strictObject({ ms: z.number().int(), instance: z.string() }) },
  },
  errors: ['burners_busy'],
  async handle({ params: { ms } }, { burners, settings }, exchange) {
    if (ms > settings.LOAD_MAX_MS) {
      throw new Problem('invalid_input', undefined, {
        errors: [{ field: 'params.ms', message: `must be at most ${settings.LOAD_MAX_MS} ms` }],
      });
    }
    await burners.burn(ms, exchange.signal);
    return { status: 200, body: { ms, instance: settings.INSTANCE } };
  },
});
