import { getWhatsappRoute, type SessionRoute } from '@potentia/db/whatsapp/session-queries';
import { findWhatsappRoute } from '@potentia/db/whatsapp/worker-queries';
import type { Ctx, UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import type { AppError } from '../platform/errors.ts';
import { hasMoved, nobodyHolds, type WorkerClient, type WorkerRequest } from './worker-client.ts';

/** Copies of where sessions are, shared by all that speak to workers. Never the truth, which is in Postgres; none of it throws. */
export interface RouteCache {
  /** Null: it is not known, or Redis is away. */
  read(session_id: string): Promise<SessionRoute | null>;
  /** Unless a later decision is known. */
  put(route: SessionRoute): Promise<void>;
  forget(session_id: string): Promise<void>;
}

export interface GatewayPorts {
  worker: WorkerClient;
  routes: RouteCache;
}

export interface RouteCtx extends GatewayPorts {
  /** Asks Postgres; null: nobody holds it. */
  loadRoute(session_id: string): Promise<SessionRoute | null>;
}

/** Of a person, who must be a member of the session's workspace. */
export const personRoutes = ({ db, actor, worker, routes }: UserCtx & GatewayPorts): RouteCtx => ({
  worker,
  routes,
  loadRoute: async (session_id) =>
    (await fromDb(() => getWhatsappRoute(db, { user_id: actor.user_id, session_id, needed_role: 'member' }))).route,
});

/** Of a job. */
export const jobRoutes = ({ db, worker, routes }: Pick<Ctx, 'db'> & GatewayPorts): RouteCtx => ({
  worker,
  routes,
  loadRoute: (session_id) => fromDb(() => findWhatsappRoute(db, session_id)),
});

/** Where a session is; null: nobody holds it. `generation`: a copy of another decision does not count, where the caller knows the one that stands. */
export async function findRoute(
  { routes, loadRoute }: Omit<RouteCtx, 'worker'>,
  session_id: string,
  generation?: number,
): Promise<SessionRoute | null> {
  const known = await routes.read(session_id);
  if (known && (generation === undefined || known.generation === generation)) return known;
  const route = await loadRoute(session_id);
  if (route) await routes.put(route);
  return route;
}

/**
 * Sends a command to whoever holds the session. When that one says that it does not, Postgres is asked, and another one that it
 * names is asked once. Throws `worker.none` when there is nobody, and what `WorkerClient` throws.
 */
export async function sendToSession<T>(
  ctx: RouteCtx,
  session_id: string,
  request: Omit<WorkerRequest, 'route'>,
  generation?: number,
): Promise<T> {
  const route = await findRoute(ctx, session_id, generation);
  if (!route) throw nobodyHolds();
  try {
    return await ctx.worker.send<T>({ ...request, route });
  } catch (error) {
    if (!hasMoved(error)) throw error;
    await ctx.routes.forget(session_id);
    const fresh = await ctx.loadRoute(session_id);
    const same = fresh?.generation === route.generation && fresh.worker_id === route.worker_id;
    if (!fresh || same) throw onItsWay(error as AppError);
    await ctx.routes.put(fresh);
    return await ctx.worker.send<T>({ ...request, route: fresh }).catch((again: unknown) => {
      throw hasMoved(again) ? onItsWay(again as AppError) : again;
    });
  }
}

/** It is between two workers: whoever asks again soon finds it. */
function onItsWay(cause: AppError): AppError {
  const error = nobodyHolds();
  error.cause = cause;
  return error;
}
