import { refreshSession, refreshSessionInput, session } from '@potentia/domain/auth/refresh-session';
import { z } from 'zod';
import type { ApiContext } from '../context.ts';
import { type App, operation } from '../platform/openapi.ts';

const me = z
  .object({
    user_id: z.uuid(),
    email: z.string().nullable(),
    name: z.string().nullable(),
    personal_workspace_id: z.uuid(),
  })
  .meta({ id: 'Me' });

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
    async (request) => {
      const { claims } = request;
      if (!claims) throw new Error('GET /me is never public');
      const { user_id, email, name, personal_workspace_id } = await context.ensureUser(context.db, claims);
      return { user_id, email, name, personal_workspace_id };
    },
  );
}
