import type { Placement } from '@potentia/db/whatsapp/worker-queries';
import { AppError } from '../platform/errors.ts';
import type { GatewayPorts } from './session-route.ts';
import { hasMoved, type SessionRoute, type WorkerRequest } from './worker-client.ts';

/* What is asked of a session, as commands to the worker that it was put on. Every command may be given twice. */

type CommandCtx = GatewayPorts & { request_id: string };

/**
 * Milliseconds: to take the lease and begin; to let go, which waits for what WhatsApp has yet to acknowledge; to log out, for which it
 * may have to log in.
 */
const HOLD_DEADLINE_MS = 5_000;
const RELEASE_DEADLINE_MS = 8_000;
const LOGOUT_DEADLINE_MS = 20_000;
const DELETE_DEADLINE_MS = 30_000;

export const routeOf = ({ session_id, worker_id, url, generation }: Placement): SessionRoute => {
  if (worker_id === null || url === null) throw new Error('a session that is on no worker is commanded');
  return { session_id, worker_id, url, generation };
};

const command = (
  { worker, request_id }: CommandCtx,
  placement: Placement,
  method: WorkerRequest['method'],
  path: string,
  more: Pick<WorkerRequest, 'body' | 'timeout_ms'> = {},
): Promise<unknown> => worker.send({ ...more, route: routeOf(placement), method, path, request_id });

/** Has the worker take the lease and run the session. */
export async function hold(ctx: CommandCtx, placement: Placement, login = placement.login): Promise<void> {
  const body = { settings: placement.settings, login };
  await command(ctx, placement, 'PUT', '', { body, timeout_ms: HOLD_DEADLINE_MS });
  await ctx.routes.put(routeOf(placement));
}

/** The worker lets go of it, if it can be reached and has it. False: nobody knows. */
export async function release(ctx: CommandCtx, placement: Placement): Promise<boolean> {
  await ctx.routes.forget(placement.session_id);
  try {
    await command(ctx, placement, 'POST', '/release', { timeout_ms: RELEASE_DEADLINE_MS });
    return true;
  } catch (error) {
    if (hasMoved(error)) return true;
    if (error instanceof AppError) return false;
    throw error;
  }
}

export const restore = (ctx: CommandCtx, placement: Placement): Promise<unknown> =>
  command(ctx, placement, 'POST', '/restore', { timeout_ms: DELETE_DEADLINE_MS });

/** Does what is wanted of a session. Throws what the worker refuses, and `unavailable`. */
export async function carryOut(ctx: CommandCtx, placement: Placement): Promise<'held' | 'free' | 'deleted'> {
  const { state, desired_state } = placement;
  switch (desired_state) {
    case 'connected':
      if (state !== 'idle') await run(ctx, placement);
      return 'held';
    case 'disconnected':
      if (placement.worker_id !== null && placement.worker_status !== 'dead')
        await unlessMoved(command(ctx, placement, 'POST', '/disconnect', { timeout_ms: RELEASE_DEADLINE_MS }));
      break;
    case 'logged_out':
      if (state !== 'idle')
        await onceHeld(ctx, placement, () =>
          command(ctx, placement, 'POST', '/logout', { timeout_ms: LOGOUT_DEADLINE_MS }),
        );
      break;
    case 'deleted':
      if (state !== 'idle')
        await onceHeld(ctx, placement, () => command(ctx, placement, 'DELETE', '', { timeout_ms: DELETE_DEADLINE_MS }));
  }
  await ctx.routes.forget(placement.session_id);
  return desired_state === 'deleted' ? 'deleted' : 'free';
}

async function run(ctx: CommandCtx, placement: Placement): Promise<void> {
  // What has ended by itself begins only when somebody asks for it, which changes its status.
  if (!placement.is_ended) await hold(ctx, placement);
  if (placement.state === 'kept')
    await unlessMoved(command(ctx, placement, 'PATCH', '/settings', { body: placement.settings }));
}

/** Only a worker that holds a session can do this to it. */
async function onceHeld(ctx: CommandCtx, placement: Placement, work: () => Promise<unknown>): Promise<void> {
  if (placement.state === 'placed') await hold(ctx, placement, null);
  try {
    await work();
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'worker.session_not_held') throw error;
    await hold(ctx, placement, null);
    await work();
  }
}

async function unlessMoved(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'worker.session_not_held') throw error;
  }
}
