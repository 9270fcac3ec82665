import type { Logger } from '@potentia/config/logger';
import type { Db } from '@potentia/db/client';
import { DbError } from '@potentia/db/errors';
import { commitLog, type CommitAnswer, type LeaseHolder } from '@potentia/db/wa/state-queries';
import { AppError } from '@potentia/domain/platform/errors';
import type { SessionStatus } from '@potentia/domain/whatsapp/schemas';
import { cleanId } from '../inbound/clean.ts';
import type { InboundItem } from '../inbound/item.ts';
import type { StatusItem } from '../outbound/status-item.ts';
import type { KeySealer } from './key-sealer.ts';

/** Changes of Signal keys as Baileys makes them: `null` is gone. */
export type KeyChanges = Record<string, Record<string, unknown>>;

/** What a session says of itself; what is absent stays. Times are ISO 8601. */
export interface SessionChanges {
  /** With reason and close code. Of two in one group only the last is told to the API. */
  status?: SessionStatus;
  reason?: string | null;
  close_code?: number | null;
  phone?: string;
  lid?: string;
  linked_at?: string | null;
  restricted_until?: string | null;
  /** Of the account; told to the API and kept nowhere here. */
  profile_name?: string | null;
  /** That there is another QR code; told to the API while the status is `pairing`. The code itself is in Redis alone. */
  qr?: { serial: number; expires_at: string } | null;
}

/** What is written together or not at all. */
export interface LogEntry {
  keys?: KeyChanges;
  /** The credentials, as they are when the group is written. */
  creds?: true;
  inbound?: InboundItem[];
  statuses?: StatusItem[];
  session?: SessionChanges;
}

/** Why a log ended: another worker holds the session, Postgres was away for too long, what was to be written cannot be, or it was closed. */
export type LogEnd = 'lease_lost' | 'unavailable' | 'unwritable' | 'closed';

export interface SessionLogOptions {
  db: Db;
  log: Logger;
  holder: LeaseHolder;
  epoch: number;
  sealer: KeySealer;
  /** The credentials, or null when there are none. */
  creds: () => object | null;
  /** How long Postgres may be away before the session gives up and begins again from what is durable. */
  patience_ms?: number;
  /** Called for each group, with what it held and what was answered, after it is durable. */
  onCommitted?: (entries: readonly LogEntry[], answer: CommitAnswer) => void;
}

interface Pending {
  entry: LogEntry;
  resolve: (answer: CommitAnswer) => void;
  reject: (error: Error) => void;
}

/** Entries in one statement. */
const MAX_GROUP = 200;
const PATIENCE_MS = 10_000;
const RETRY_MS = 100;

/**
 * What a session has to remember, in the order in which it happened. Appending is free: while one group is being written, the next
 * gathers. Nothing of it is known outside before it is durable, which is the gate's part. A log that ended writes nothing more.
 */
export class SessionLog {
  /** Entries appended so far. */
  position = 0;
  /** Entries that are durable. */
  durable_position = 0;
  ended: LogEnd | null = null;

  readonly #options: SessionLogOptions;
  #pending: Pending[] = [];
  #group_position = 0;
  #pump: Promise<void> | null = null;
  readonly #on_durable = new Set<() => void>();
  readonly #on_end = new Set<(end: LogEnd) => void>();

  constructor(options: SessionLogOptions) {
    this.#options = options;
  }

  /** Entries that are not durable yet. */
  get waiting(): number {
    return this.position - this.durable_position;
  }

  /** Resolves when the entry is durable, with what its group was answered; rejects with `LogEndedError` when it never will be. */
  append(entry: LogEntry): Promise<CommitAnswer> {
    if (this.ended) return handled(Promise.reject(new LogEndedError(this.ended)));
    this.position += 1;
    const { promise, resolve, reject } = Promise.withResolvers<CommitAnswer>();
    this.#pending.push({ entry, resolve, reject });
    this.#pump ??= this.#run();
    return handled(promise);
  }

  /** Resolves when all that was appended is durable. Rejects with `LogEndedError`. */
  async durable(): Promise<void> {
    const position = this.position;
    while (this.durable_position < position) {
      if (this.ended) throw new LogEndedError(this.ended);
      await this.#pump;
    }
  }

  /** Called each time that more is durable. */
  onDurable(listener: () => void): () => void {
    this.#on_durable.add(listener);
    return () => this.#on_durable.delete(listener);
  }

  /** Called once, when the log ends. */
  onEnd(listener: (end: LogEnd) => void): () => void {
    this.#on_end.add(listener);
    return () => this.#on_end.delete(listener);
  }

  /** Ends the log: what was not durable is dropped, as if it had never been seen. */
  end(reason: LogEnd): void {
    if (this.ended) return;
    this.ended = reason;
    const dropped = this.#pending;
    this.#pending = [];
    for (const { reject } of dropped) reject(new LogEndedError(reason));
    for (const listener of [...this.#on_end]) listener(reason);
  }

  async #run(): Promise<void> {
    // What the same turn of the loop appends belongs to one group.
    await Promise.resolve();
    while (this.#pending.length > 0 && !this.ended) {
      const group = this.#pending.slice(0, MAX_GROUP);
      const answer = await this.#commit(group.map(({ entry }) => entry));
      if (!answer) break;
      this.#pending.splice(0, group.length);
      this.durable_position += group.length;
      this.#options.onCommitted?.(
        group.map(({ entry }) => entry),
        answer,
      );
      for (const { resolve } of group) resolve(answer);
      for (const listener of [...this.#on_durable]) listener();
    }
    this.#pump = null;
  }

  /** Null: the log has ended. */
  async #commit(entries: LogEntry[]): Promise<CommitAnswer | null> {
    const { db, holder, epoch, log, patience_ms = PATIENCE_MS } = this.#options;
    const group = { epoch, position: (this.#group_position += 1), ...this.#seal(entries) };
    const give_up_at = performance.now() + patience_ms;
    let degraded = false;
    while (!this.ended) {
      try {
        return await commitLog(db, holder, group);
      } catch (error) {
        if (error instanceof DbError && error.code === 'lease.lost') {
          this.end('lease_lost');
        } else if (error instanceof DbError) {
          const fields = { session_id: holder.session_id, code: error.code, entries: entries.length, degraded };
          log.error(fields, 'a group of the log cannot be written');
          if (degraded) this.end('unwritable');
          // What arrived must not be lost because it cannot be shown: it is kept as it came.
          degraded = true;
          group.batch.inbound = group.batch.inbound?.map((item) => asUnknown(item as InboundItem)) ?? [];
        } else if (performance.now() > give_up_at) {
          log.error({ session_id: holder.session_id, waiting: this.waiting }, 'Postgres was away for too long');
          this.end('unavailable');
        } else {
          await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
        }
      }
    }
    return null;
  }

  /** Of a key that changed more than once, the last. */
  #seal(entries: LogEntry[]) {
    const { sealer, holder, creds } = this.#options;
    const latest = new Map<string, { type: string; id: string; value: unknown }>();
    for (const { keys = {} } of entries)
      for (const [type, changes] of Object.entries(keys))
        for (const [id, value] of Object.entries(changes)) latest.set(`${type} ${id}`, { type, id, value });
    const changed = [...latest.values()];
    const present = entries.some((entry) => entry.creds) ? creds() : null;
    const inbound = entries.flatMap((entry) => entry.inbound ?? []);
    const statuses = entries.flatMap((entry) => entry.statuses ?? []);
    const session = Object.assign({}, ...entries.map((entry) => entry.session ?? {})) as SessionChanges;
    return {
      types: changed.map(({ type }) => type),
      ids: changed.map(({ id }) => id),
      values: changed.map(({ type, id, value }) =>
        value === null || value === undefined ? null : sealer.seal(value, holder.session_id, type, id),
      ),
      creds: present && sealer.seal(present, holder.session_id, 'creds', ''),
      kid: sealer.kid,
      batch: {
        ...(inbound.length > 0 && { inbound }),
        ...(statuses.length > 0 && { statuses }),
        ...(Object.keys(session).length > 0 && { session }),
      } as { inbound?: unknown[]; statuses?: unknown[]; session?: object },
    };
  }
}

/** The log has ended, and with it the opening of the session. */
export class LogEndedError extends AppError {
  readonly end: LogEnd;

  constructor(end: LogEnd) {
    super('unavailable', 'worker.session_closed', 'The session was closed on this worker.', { reason: end });
    this.end = end;
  }
}

/** Who sent it, where and when, and its bytes: nothing else that somebody wrote. */
const asUnknown = ({ chat, sender, from_me, message_id, at, proto, ...item }: InboundItem): InboundItem => {
  const { lid, phone } = sender ?? {};
  const ids = { ...(lid !== undefined && { lid }), ...(phone !== undefined && { phone }) };
  const { is_history = false, is_read = false } = item;
  return {
    ...{ chat, sender: sender && ids, from_me, message_id: cleanId(message_id), at, proto },
    ...{ type: 'unknown', content: {}, is_history, is_read },
  };
};

/** Whoever does not wait for an entry need not hear that it was dropped. */
function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}
