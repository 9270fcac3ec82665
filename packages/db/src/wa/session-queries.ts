import { callOne, type Queryable } from '../client.ts';
import type { LeaseHolder } from './state-queries.ts';

/** Who holds a session as it stands now; null: there is no such session. */
export async function getLease(
  db: Queryable,
  session_id: string,
): Promise<{ generation: number; worker_id: string | null } | null> {
  type Lease = { generation: number; worker_id: string | null } | null;
  return (await callOne<{ lease: Lease }>(db, 'select wa.lease_of($1) as lease', [session_id])).lease;
}

const parameters = ({ session_id, worker_id, generation }: LeaseHolder) => [session_id, worker_id, generation];

/** What a session says of itself, of which there is no log. Raises `lease.lost`, as do those below. */
export async function reportSession(db: Queryable, holder: LeaseHolder, changes: object): Promise<void> {
  await db.call('select wa.report_session($1, $2, $3, $4)', [...parameters(holder), changes]);
}

export async function changeSettings(db: Queryable, holder: LeaseHolder, settings: object): Promise<void> {
  await db.call('select wa.change_settings($1, $2, $3, $4)', [...parameters(holder), settings]);
}

/** Keys of at most `limit` objects of the session. */
export async function listSessionObjects(db: Queryable, holder: LeaseHolder, limit: number): Promise<string[]> {
  const text = 'select key from wa.list_session_objects($1, $2, $3, $4) as key';
  return (await db.call<{ key: string }>(text, [...parameters(holder), limit])).map(({ key }) => key);
}

/** To be called when the objects are deleted. */
export async function forgetSessionObjects(db: Queryable, holder: LeaseHolder, keys: readonly string[]): Promise<void> {
  await db.call('select wa.forget_session_objects($1, $2, $3, $4)', [...parameters(holder), keys]);
}

/** Deletes some of the session, at most `limit` rows that can be many. True: nothing is left of it. */
export async function purgeSession(db: Queryable, holder: LeaseHolder, limit: number): Promise<boolean> {
  const text = 'select wa.purge_session($1, $2, $3, $4) as done';
  return (await callOne<{ done: boolean }>(db, text, [...parameters(holder), limit])).done;
}
