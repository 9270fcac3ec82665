import { getMe } from '@potentia/domain/auth/get-me';
import { me, updateMeBody } from '@potentia/domain/auth/me-schemas';
import { refreshSession, refreshSessionInput, session } from '@potentia/domain/auth/refresh-session';
import { updateMe } from '@potentia/domain/auth/update-me';
import type { ApiContext } from '../context.ts';
import { type App, operation } from '../platform/openapi.ts';
import { userCtx } from '../platform/request-context.ts';

/** Who calls, and how a session goes on. */
export function authRoutes(app: App, context: ApiContext): void {
  app.post(
    '/api/v1/auth/refresh',
    {
      config: { auth: 'none', limited: true },
      schema: operation({
        operationId: 'refreshSession',
        tags: ['auth'],
        summary: 'Exchange a refresh token for a new session',
        description: 'The refresh token is spent by it; the answer holds the next one.',
        auth: false,
        body: refreshSessionInput,
        ok: { 200: session },
        problems: [401],
      }),
    },
    (request, reply) => {
      reply.header('cache-control', 'no-store');
      return refreshSession(context, request.body);
    },
  );

  app.get(
    '/api/v1/me',
    {
      schema: operation({
        operationId: 'getMe',
        tags: ['auth'],
        access: 'person',
        summary: 'Who you are',
        ok: { 200: me },
      }),
    },
    (request) => getMe(userCtx(context, request)),
  );

  app.patch(
    '/api/v1/me',
    {
      schema: operation({
        operationId: 'updateMe',
        tags: ['auth'],
        access: 'person',
        summary: 'Change your name, language or time zone',
        description: 'Mails to you are in this language; a name that you chose is kept, whatever later tokens say.',
        body: updateMeBody,
        ok: { 200: me },
      }),
    },
    (request) => updateMe(userCtx(context, request), request.body),
  );
}
