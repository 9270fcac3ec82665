import { changeSettings } from '@potentia/db/wa/session-queries';
import { fromDb } from '@potentia/domain/platform/db-errors';
import { AppError } from '@potentia/domain/platform/errors';
import { parseInput } from '@potentia/domain/platform/parse';
import { parseVersion } from '@potentia/domain/whatsapp/rules/client-version';
import { phone, sessionSettings } from '@potentia/domain/whatsapp/schemas';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { deleteSession, logOut } from '../session/end-session.ts';
import { loginInput } from '../session/pairing.ts';
import { backUpSession, restoreSession } from '../session/session-backups.ts';
import type { Session } from '../session/session.ts';
import type { Commands } from './command-server.ts';

const holdInput = z.strictObject({
  settings: sessionSettings.default({}),
  login: loginInput.nullable().default(null).describe('How to link it where it is not linked; null: only where it is'),
  version: z
    .string()
    .refine((text) => parseVersion(text) !== null, 'must be a version such as 2.3000.1043857760')
    .nullable()
    .default(null)
    .describe("Of WhatsApp's web client; null: as configured"),
});
const codeInput = z.strictObject({ phone });
const ref = z.object({ session_id: z.uuid() });

/** A session as its commands answer it. */
const view = ({ session_id, generation, status }: Session) => ({ session_id, generation, status });

/** The life of a session. All can be said again. */
export function sessionRoutes(server: FastifyInstance, commands: Commands): void {
  const { context, sessions } = commands;
  const held = (request: FastifyRequest): Session => commands.held(request);
  server.put('/sessions/:session_id', async (request) => {
    const { session_id } = parseInput(ref, request.params);
    const input = parseInput(holdInput, request.body ?? {});
    const worker_id = commands.workerId();
    if (worker_id === null) throw notRegistered();
    const generation = request.service?.generation ?? 0;
    return view(await sessions.hold(worker_id, { session_id, generation, ...input }));
  });

  server.post('/sessions/:session_id/release', async (request) => {
    const session = held(request);
    await session.release();
    return view(session);
  });

  server.post('/sessions/:session_id/disconnect', async (request) => {
    const session = held(request);
    await session.release({ status: 'disconnected', reason: 'requested' });
    return view(session);
  });

  server.post('/sessions/:session_id/logout', async (request) => {
    const session = held(request);
    await logOut(context, session);
    return view(session);
  });

  server.delete('/sessions/:session_id', async (request, reply) => {
    await deleteSession(context, held(request));
    return reply.code(204).send();
  });

  server.post('/sessions/:session_id/pairing-code', async (request) => {
    const input = parseInput(codeInput, request.body);
    return held(request).requestCode(input.phone);
  });

  server.patch('/sessions/:session_id/settings', async (request) => {
    const session = held(request);
    const settings = parseInput(sessionSettings, request.body);
    await fromDb(() => changeSettings(context.db, session, settings));
    session.changeSettings(settings);
    return view(session);
  });

  server.post('/sessions/:session_id/backup', async (request) => {
    const { size } = await backUpSession(context, held(request));
    return { size };
  });

  server.post('/sessions/:session_id/restore', async (request) => {
    const session = held(request);
    await restoreSession(context, session);
    return view(session);
  });
}

const notRegistered = () =>
  new AppError('unavailable', 'worker.not_registered', 'This worker has not registered yet.', {
    retry_after_ms: 1_000,
  });
