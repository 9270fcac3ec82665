import { callOne, type Queryable } from '../client.ts';
import type { LeaseHolder } from './state-queries.ts';

interface Ids {
  lid?: string | null | undefined;
  phone?: string | null | undefined;
}

export interface Person extends Ids {
  name?: string | undefined;
}

export interface Group {
  group_id: string;
  subject: string | null;
  participants: (Ids & { role: 'member' | 'admin' | 'superadmin' })[];
}

/** Which message a stanza is about, and who sent it. */
export interface StanzaRef {
  chat: Ids & { kind: string; group_id?: string | undefined };
  sender: Ids | null;
  from_me: boolean;
  message_id: string;
}

/**
 * The message that a stanza brought before, in base64; its proto is null where it was deleted since. Null: it brought none, or its
 * content has not come yet.
 */
export async function findJournaled(
  db: Queryable,
  session_id: string,
  stanza: StanzaRef,
): Promise<{ proto: string | null } | null> {
  const text = 'select wa.find_journaled($1, $2) as found';
  return (await callOne<{ found: { proto: string | null } | null }>(db, text, [session_id, stanza])).found;
}

export interface StoredPoll {
  /** In base64. */
  proto: string;
  from_me: boolean;
  creator: { lid: string | null; phone: string | null };
}

/** The poll with this id in a chat. Null: it is not known. */
export async function findPoll(
  db: Queryable,
  session_id: string,
  chat: StanzaRef['chat'],
  message_id: string,
): Promise<StoredPoll | null> {
  const text = 'select wa.find_poll($1, $2, $3) as poll';
  return (await callOne<{ poll: StoredPoll | null }>(db, text, [session_id, chat, message_id])).poll;
}

/** Both ids of people together; two rows that turn out to be one person become one. Raises `lease.lost`, as do all below. */
export async function takePeople(db: Queryable, holder: LeaseHolder, people: readonly Person[]): Promise<void> {
  await db.call('select wa.take_people($1, $2, $3, $4)', [...lease(holder), people]);
}

export async function takeGroups(db: Queryable, holder: LeaseHolder, groups: readonly Group[]): Promise<void> {
  await db.call('select wa.take_groups($1, $2, $3, $4)', [...lease(holder), groups]);
}

/** The own phone has opened these. */
export async function takeRead(db: Queryable, holder: LeaseHolder, message_ids: readonly string[]): Promise<void> {
  await db.call('select wa.take_read($1, $2, $3, $4)', [...lease(holder), message_ids]);
}

/** A file to be fetched from WhatsApp, or to be deleted since its message was. */
export interface MediaTask {
  session_id: string;
  generation: number;
  media_id: string;
  task: 'download' | 'delete';
  kind: string;
  media_type: string;
  size: number | null;
  object_key: string | null;
  /** This one included. */
  attempts: number;
  /** Of the message, in base64. */
  proto: string | null;
  message_id: string;
  from_me: boolean;
  chat: { kind: string; contact: Ids | null; group_id: string | null };
  sender: Ids | null;
}

/** What is due of those of the sessions whose lease the worker has; each is nobody else's for a minute. `running` is not asked for. */
export async function claimMedia(
  db: Queryable,
  worker_id: string,
  session_ids: readonly string[],
  running: readonly string[],
  limit: number,
): Promise<MediaTask[]> {
  const text = 'select wa.claim_media($1, $2, $3, $4) as task';
  return (await db.call<{ task: MediaTask }>(text, [worker_id, session_ids, running, limit])).map(({ task }) => task);
}

export interface MediaResult {
  media_id: string;
  status: 'stored' | 'failed' | 'too_large' | 'pending';
  object_key?: string;
  size?: number;
  error?: string;
  /** Of one that is pending again. */
  retry_ms?: number;
  /** The message, in base64, when WhatsApp said where the file is now. */
  proto?: string | undefined;
}

/** False: nobody wants the file any more. */
export async function finishMedia(db: Queryable, holder: LeaseHolder, result: MediaResult): Promise<boolean> {
  const text = 'select wa.finish_media($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) as wanted';
  const params = [
    ...lease(holder),
    result.media_id,
    result.status,
    result.object_key ?? null,
    result.size ?? null,
    result.error ?? null,
    result.retry_ms ?? null,
    result.proto ?? null,
  ];
  return (await callOne<{ wanted: boolean }>(db, text, params)).wanted;
}

/** The object of a deleted message is gone. */
export async function forgetMedia(db: Queryable, holder: LeaseHolder, media_id: string): Promise<void> {
  await db.call('select wa.forget_media($1, $2, $3, $4)', [...lease(holder), media_id]);
}

const lease = ({ session_id, worker_id, generation }: LeaseHolder): unknown[] => [session_id, worker_id, generation];
