import { forgetSessionObjects, listSessionObjects, purgeSession } from '@potentia/db/wa/session-queries';
import { forgetKeys } from '@potentia/db/wa/state-queries';
import { fromDb } from '@potentia/domain/platform/db-errors';
import type { WASocket } from '@whiskeysockets/baileys';
import type { WaWorkerContext } from '../context.ts';
import type { Session } from './session.ts';

/** How long WhatsApp has to take note; how long one that was taken for this alone may log in for it. */
const TELL_MS = 5_000;
const LOGIN_MS = 5_000;
const OBJECTS_AT_ONCE = 500;
const ROWS_AT_ONCE = 2_000;

/**
 * Tells WhatsApp that this device is none any more, where it can be reached, forgets the keys in any case, and lets go of the session. The
 * messages stay.
 * Throws `lease.lost`, `platform.database_unavailable`; said again, it ends what it began.
 */
export function logOut({ db }: Pick<WaWorkerContext, 'db'>, session: Session): Promise<void> {
  return session.serially(async () => {
    const is_told = await unlink(session);
    await forgetSession(db, session);
    session.tell({ status: 'logged_out', reason: is_told ? 'requested' : 'requested_unconfirmed' });
    await session.letGo();
  });
}

/** Logs out, and deletes whatever there is of the session: its rows, its files, its backups. Throws as `logOut`, and `objects.unavailable`. */
export function deleteSession(context: Pick<WaWorkerContext, 'db' | 'objects'>, session: Session): Promise<void> {
  const { db, objects } = context;
  return session.serially(async () => {
    await unlink(session);
    await forgetSession(db, session);
    for (;;) {
      const keys = await fromDb(() => listSessionObjects(db, session, OBJECTS_AT_ONCE));
      if (keys.length === 0) break;
      await objects.delete(keys);
      await fromDb(() => forgetSessionObjects(db, session, keys));
    }
    while (!(await fromDb(() => purgeSession(db, session, ROWS_AT_ONCE))));
    session.end();
  });
}

/** Whether WhatsApp has said that it took note. */
async function unlink(session: Session): Promise<boolean> {
  if (session.is_linked) await session.loggedIn(LOGIN_MS);
  const { sock } = session;
  const is_told = session.is_linked && session.is_open && sock !== null && (await removeDevice(sock));
  await session.hangUp();
  return is_told;
}

async function removeDevice(sock: WASocket): Promise<boolean> {
  const content = [{ tag: 'remove-companion-device', attrs: { jid: sock.user?.id ?? '', reason: 'user_initiated' } }];
  const attrs = { to: '@s.whatsapp.net', type: 'set', xmlns: 'md' };
  // It may close the socket instead of answering.
  const is_closed = new Promise<true>((resolve) => {
    sock.ev.on('connection.update', ({ connection }) => connection === 'close' && resolve(true));
  });
  try {
    const answer: unknown = await Promise.race([sock.query({ tag: 'iq', attrs, content }, TELL_MS), is_closed]);
    return answer !== undefined;
  } catch {
    return false;
  }
}

async function forgetSession(db: WaWorkerContext['db'], session: Session): Promise<void> {
  session.endLog();
  await fromDb(() => forgetKeys(db, session));
  await session.reopen();
}
