import { route } from '../route.ts';
import { presentedSessionId, sessionCookie } from '../session-cookie.ts';

export const deleteSession = route({
  method: 'DELETE',
  path: '/session',
  summary: 'Forget the session',
  description: 'Forgets the session and its cookie. Forgetting none is no error.',
  scope: null,
  rateLimit: 'session',
  responses: { 204: { description: 'There is no session any more.' } },
  errors: ['sessions_unavailable'],
  async handle(_, { sessions }, exchange) {
    await sessions.forget({
      id: presentedSessionId(exchange),
      address: exchange.client.address,
      note: exchange.noteRateLimit,
    });
    return { status: 204, headers: { 'Set-Cookie': sessionCookie('', exchange) } };
  },
});
