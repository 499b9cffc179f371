import * as z from 'zod';
import { route } from '../route.ts';
import { presentedSessionId, sessionCookie } from '../session-cookie.ts';
import { sessionSchema } from './session.get.ts';

const body = z.strictObject({
  user: z
    .string()
    .transform((name) => name.normalize('NFC').trim())
    .refine((name) => name.length >= 1 && name.length <= 64, 'must have 1 to 64 characters')
    .refine((name) => !/[\p{C}]/u.test(name), 'must not have control or unassigned characters'),
});

export const postSession = route({
  method: 'POST',
  path: '/session',
  summary: 'Name the user',
  description: 'Names the user of the session, under a new id, and keeps the views. Counts no view.',
  scope: null,
  rateLimit: 'session',
  body,
  responses: { 200: { description: 'The session under its new id.', schema: sessionSchema } },
  errors: ['sessions_unavailable'],
  async handle({ body: { user } }, { sessions, settings }, exchange) {
    const request = {
      id: presentedSessionId(exchange),
      address: exchange.client.address,
      note: exchange.noteRateLimit,
    };
    const { views, newId } = await sessions.name(request, user);
    return {
      status: 200,
      body: { views, user, instance: settings.INSTANCE },
      headers: { 'Set-Cookie': sessionCookie(newId ?? '', exchange) },
    };
  },
});
