import { AppError } from '@potentia/domain/platform/errors';
import type { WaWorkerContext } from '../context.ts';
import { backUp, restore } from '../state/backup.ts';
import type { HeldSession, SessionPart } from './parts.ts';
import type { Session } from './session.ts';
import { within } from './within.ts';

type BackupContext = Pick<WaWorkerContext, 'db' | 'objects' | 'sealer' | 'log'>;

const DAY_MS = 86_400_000;
/** Sessions that were taken over together are not copied together. */
const SPREAD_MS = 300_000;
const WRITTEN_MS = 5_000;

/** A copy of what is durable now. Throws `worker.not_linked`, `lease.lost`, `objects.unavailable`. */
export async function backUpSession(context: BackupContext, session: HeldSession): Promise<{ size: number }> {
  await within(session.state.log.durable(), WRITTEN_MS);
  const copy = await backUp(context, session);
  if (!copy)
    throw new AppError('conflict', 'worker.not_linked', 'The session is not linked: there is nothing to copy.');
  return { size: copy.size };
}

/** Puts the newest copy in the place of credentials that are lost, and connects. Throws `worker.credentials_present`, `worker.no_backup`. */
export async function restoreSession(context: BackupContext, session: Session): Promise<void> {
  if (session.is_linked)
    throw new AppError('conflict', 'worker.credentials_present', 'The session has its credentials.');
  await session.serially(async () => {
    await session.hangUp();
    session.endLog();
    await restore(context, session);
    await session.reopen();
  });
  session.connect();
}

/** Copies every linked session soon after it has logged in, and each day. */
export function backupPart(context: BackupContext, { spread_ms = SPREAD_MS } = {}): SessionPart {
  const timers = new Map<string, NodeJS.Timeout>();
  const plan = (session: HeldSession, ms: number): void => {
    const timer = setTimeout(() => {
      plan(session, DAY_MS);
      backUpSession(context, session).catch((error: unknown) => session.log.warn({ err: error }, 'no backup was made'));
    }, ms);
    timer.unref();
    timers.set(session.session_id, timer);
  };
  return {
    name: 'backups',
    onCaughtUp(held) {
      if (!timers.has(held.session_id)) plan(held, Math.random() * spread_ms);
    },
    onDropped({ session_id }) {
      clearTimeout(timers.get(session_id));
      timers.delete(session_id);
    },
  };
}
