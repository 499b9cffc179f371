import * as z from 'zod';
import { route } from '../route.ts';
import { presentedSessionId, sessionCookie } from '../session-cookie.ts';

/** What a session looks like to its client. */
export const sessionSchema = z.strictObject({
  views: z.number().int().min(0),
  user: z.string().nullable(),
  instance: z.string(),
});

export const getSession = route({
  method: 'GET',
  path: '/session',
  summary: 'Count a view',
  description:
    'Counts one view of the session and starts a session where there is none. Any replica answers for any session.',
  scope: null,
  rateLimit: 'session',
  responses: { 200: { description: 'The session after this view.', schema: sessionSchema } },
  errors: ['sessions_unavailable'],
  async handle(_, { sessions, settings }, exchange) {
    const { views, user, newId } = await sessions.view({
      id: presentedSessionId(exchange),
      address: exchange.client.address,
      note: exchange.noteRateLimit,
    });
    return {
      status: 200,
      body: { views, user, instance: settings.INSTANCE },
      ...(newId === undefined ? {} : { headers: { 'Set-Cookie': sessionCookie(newId, exchange) } }),
    };
  },
});
