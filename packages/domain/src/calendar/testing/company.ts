import type { TestDatabase } from '@potentia/db/testing/database';
import { addMember, seedUser, seedWorkspace, type SeededWorkspace } from '@potentia/db/testing/seed';
import { seedCalendar, seedSubscription, type SeededCalendar } from '@potentia/db/testing/seed-calendar';
import type { UserCtx } from '../../platform/ctx.ts';
import { personCtx } from '../../platform/testing/person.ts';

/** A workspace with one calendar, and one person of each kind. */
export interface Company {
  home: SeededWorkspace;
  workspace_id: string;
  calendar: SeededCalendar;
  calendar_id: string;
  /** Of the workspace alone: an admin who does not subscribe. */
  boss: UserCtx;
  /** Of the calendar; a member of the workspace. */
  owner: UserCtx;
  editor: UserCtx;
  viewer: UserCtx;
  /** Sees when it is busy. */
  onlooker: UserCtx;
  /** A guest of the workspace who does not subscribe. */
  guest: UserCtx;
  /** Of no part of it. */
  stranger: UserCtx;
}

export async function makeCompany({ db }: TestDatabase, overrides: { is_exclusive?: boolean } = {}): Promise<Company> {
  const home = await seedWorkspace(db);
  const join = async (role: 'admin' | 'member' | 'guest' = 'member') =>
    personCtx(db, (await addMember(db, home, role)).user_id);
  const [owner, guest] = [await join(), await join('guest')];
  const calendar = await seedCalendar(db, home, { owner: owner.actor, ...overrides });
  const subscribe = async (role: 'editor' | 'viewer' | 'freebusy') =>
    personCtx(db, (await seedSubscription(db, { ...calendar, user_id: owner.actor.user_id }, role)).user_id);
  return {
    home,
    workspace_id: home.workspace_id,
    calendar,
    calendar_id: calendar.calendar_id,
    boss: personCtx(db, home.owner_user_id),
    owner,
    editor: await subscribe('editor'),
    viewer: await subscribe('viewer'),
    onlooker: await subscribe('freebusy'),
    guest,
    stranger: personCtx(db, (await seedUser(db)).user_id),
  };
}

/** The numbers by which free/busy and synchronisation of these people are valid. */
export async function headsOf({ asOwner }: TestDatabase, people: UserCtx[]): Promise<number[]> {
  const ids = people.map(({ actor }) => actor.user_id);
  const rows = await asOwner<{ user_id: string; seq: string }>(
    'select user_id, seq from app.user_calendar_heads where user_id = any ($1)',
    [ids],
  );
  const by_id = new Map(rows.map(({ user_id, seq }) => [user_id, Number(seq)]));
  return ids.map((user_id) => by_id.get(user_id) ?? 0);
}

/** What people are told on `/ws/me` about one calendar: who, which type, the rest; in the order of writing. */
export const toldOf = ({ asOwner }: TestDatabase, calendar_id: string) =>
  asOwner<{ user_id: string; type: string; role: string | null }>(
    `select user_id, payload ->> 'type' as type, payload ->> 'role' as role from app.outbox
     where topic = 'me.deliver' and payload ->> 'calendar_id' = $1 order by created_at, id`,
    [calendar_id],
  );

/** How often a job was asked to do something about one calendar, or about one schedule. */
export async function askedOf({ asOwner }: TestDatabase, topic: string, id: string): Promise<number> {
  const [row] = await asOwner<{ n: number }>(
    `select count(*)::int as n from app.outbox
     where topic = $1 and (payload ->> 'calendar_id' = $2 or payload ->> 'schedule_id' = $2)`,
    [topic, id],
  );
  return row?.n ?? 0;
}

export const auditOf = ({ asOwner }: TestDatabase, calendar_id: string) =>
  asOwner<{ action: string; actor_user_id: string | null; reason: string | null; before: object; after: object }>(
    `select action, actor_user_id, reason, before, after from app.audit_logs
     where target_type = 'calendar' and target_id = $1 order by created_at, id`,
    [calendar_id],
  );
