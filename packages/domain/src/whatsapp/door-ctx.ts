import { auditWhatsapp, openWhatsappSession, type OpenedSession } from '@potentia/db/whatsapp/door-queries';
import { getWhatsappRoute, type SessionRoute } from '@potentia/db/whatsapp/session-queries';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { AppError } from '../platform/errors.ts';
import type { LiveCode, LiveCodeKind, LiveCodes } from './live-codes.ts';
import type { QrPages } from './qr-pages.ts';
import { type GatewayPorts, personRoutes, sendToSession } from './session-route.ts';
import type { SessionStream } from './session-stream.ts';
import { isSilent, nobodyHolds, type WorkerRequest } from './worker-client.ts';

/** What those need who look at a session: its codes, and what happens in it. */
export interface LiveCtx {
  live_codes: LiveCodes;
  session_stream: SessionStream;
  qr_pages: QrPages;
}

/**
 * The card, for members or for admins of its workspace. Throws `whatsapp.session_not_found` for whoever knows nothing of it,
 * `workspace.forbidden` for a member where admins are asked for.
 */
export const openSession = (
  ctx: Pick<UserCtx, 'db' | 'actor'>,
  session_id: string,
  needed_role: 'member' | 'admin',
): Promise<OpenedSession> =>
  fromDb(() => openWhatsappSession(ctx.db, { user_id: ctx.actor.user_id, session_id, needed_role }));

/** The code of now; null: there is none. Throws `whatsapp.codes_unavailable`. */
export async function readCode(
  { live_codes }: Pick<LiveCtx, 'live_codes'>,
  kind: LiveCodeKind,
  session_id: string,
): Promise<LiveCode | null> {
  try {
    return await live_codes.read(kind, session_id);
  } catch (cause) {
    throw codesUnavailable(cause);
  }
}

export const codesUnavailable = (cause: unknown): AppError =>
  new AppError(
    'unavailable',
    'whatsapp.codes_unavailable',
    'Codes cannot be read or kept now.',
    { retry_after_ms: 1_000 },
    { cause },
  );

/** A person at the door of a session that a worker holds. */
export type DoorCtx = UserCtx & GatewayPorts;

type Asked = Omit<WorkerRequest, 'route' | 'request_id'>;

/** How long a worker may take that has to ask WhatsApp first, in milliseconds. */
export const LIVE_TIMEOUT_MS = 15_000;

/**
 * Asks the session's own worker, for a member or an admin. Throws `whatsapp.session_not_found`, `workspace.forbidden`, what the
 * worker refuses, and `unavailable` `worker.*` when there is nobody to ask.
 */
export async function askOwner<T>(
  ctx: DoorCtx,
  session_id: string,
  needed_role: 'member' | 'admin',
  asked: Asked,
): Promise<T> {
  const { user_id } = ctx.actor;
  const { generation } = await fromDb(() => getWhatsappRoute(ctx.db, { user_id, session_id, needed_role }));
  return sendToSession<T>(personRoutes(ctx), session_id, { ...asked, request_id: ctx.request_id }, generation);
}

/**
 * Reads for a member, from whichever worker is there: the session's own, or another where nobody holds it or that one does not
 * answer. Throws as `askOwner` does.
 */
export async function readFromWorker<T>(
  ctx: DoorCtx,
  session_id: string,
  path: string,
  query?: WorkerRequest['query'],
): Promise<T> {
  const { user_id } = ctx.actor;
  const reached = await fromDb(() => getWhatsappRoute(ctx.db, { user_id, session_id, needed_role: 'member' }));
  const [first, second] = [reached.route, reached.other].filter((route) => route !== null);
  if (!first) throw nobodyHolds();
  const ask = (route: SessionRoute): Promise<T> =>
    ctx.worker.send<T>({ route, method: 'GET', path, request_id: ctx.request_id, ...(query && { query }) });
  try {
    return await ask(first);
  } catch (error) {
    if (!second || !isSilent(error)) throw error;
    return ask(second);
  }
}

/** The audit row of what a worker did for a person. `after`: ids, nothing that was said. */
export const audit = (ctx: UserCtx, session_id: string, action: string, after: object): Promise<void> =>
  fromDb(() =>
    auditWhatsapp(ctx.db, { user_id: ctx.actor.user_id, session_id, action, after, request_id: ctx.request_id }),
  );

/** A part of a path. */
export const part = encodeURIComponent;
