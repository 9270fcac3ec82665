import { AsyncLocalStorage } from 'node:async_hooks';
import type { Db } from '@potentia/db/client';
import { DbUnavailableError } from '@potentia/db/errors';
import { readKeys } from '@potentia/db/wa/state-queries';
import { proto, type SignalDataSet, type SignalDataTypeMap, type SignalKeyStore } from '@whiskeysockets/baileys';
import { LRUCache } from 'lru-cache';
import type { KeySealer } from './key-sealer.ts';
import { type KeyChanges, LogEndedError, type LogEntry, type SessionLog } from './session-log.ts';

/** Keys of one session that are kept in memory beside those that are not durable yet. */
const MAX_CACHED = 500;
/** How long a read waits for Postgres to come back, in ms; then the session begins again. */
const PATIENCE_MS = 10_000;
const RETRY_MS = 100;
const ABSENT = Symbol('absent');

interface Collection {
  keys: KeyChanges;
  is_open: boolean;
}

/** What `fn` came to, and the keys that it changed. */
export interface Collected<T> {
  outcome: PromiseSettledResult<T>;
  keys: KeyChanges;
}

/**
 * The Signal keys of a session, as Baileys wants them. Writes go to the session's log and are seen at once; reads take what is not
 * durable yet, then a bounded cache, then Postgres. A read that fails ends the log: libsignal takes an error for an absent session,
 * and would begin a new one over it.
 */
export class SignalStore implements SignalKeyStore {
  readonly #options: { db: Db; session_id: string; sealer: KeySealer; log: SessionLog };
  readonly #collections = new AsyncLocalStorage<Collection>();
  /** Not durable yet. */
  readonly #dirty = new Map<string, unknown>();
  readonly #cache = new LRUCache<string, object | string | symbol>({ max: MAX_CACHED });

  constructor(options: { db: Db; session_id: string; sealer: KeySealer; log: SessionLog }) {
    this.#options = options;
  }

  async get<T extends keyof SignalDataTypeMap>(type: T, ids: string[]): Promise<Record<string, SignalDataTypeMap[T]>> {
    const found: Record<string, SignalDataTypeMap[T]> = {};
    const missing: string[] = [];
    for (const id of ids) {
      const value = this.#inMemory(type, id);
      if (value === undefined) missing.push(id);
      else if (value !== ABSENT) found[id] = value as SignalDataTypeMap[T];
    }
    if (missing.length > 0) await this.#load(type, missing, found);
    return found;
  }

  set(data: SignalDataSet): void {
    const changes = data as KeyChanges;
    for (const [type, values] of Object.entries(changes))
      for (const [id, value] of Object.entries(values)) this.#dirty.set(`${type} ${id}`, value ?? ABSENT);
    const collection = this.#collections.getStore();
    if (collection?.is_open) merge(collection.keys, changes);
    else void this.#options.log.append({ keys: changes });
  }

  /** Runs `fn`; the keys that it changes are not appended but answered, to become part of an entry of the caller's. */
  async collectKeys<T>(fn: () => Promise<T>): Promise<Collected<T>> {
    const collection: Collection = { keys: {}, is_open: true };
    const [outcome] = await Promise.allSettled([this.#collections.run(collection, fn)]);
    // What it left running writes for itself.
    collection.is_open = false;
    return { outcome, keys: collection.keys };
  }

  /** To be called with what became durable. */
  onCommitted(entries: readonly LogEntry[]): void {
    for (const { keys = {} } of entries)
      for (const [type, values] of Object.entries(keys))
        for (const [id, value] of Object.entries(values)) {
          const key = `${type} ${id}`;
          // Changed again since: that change comes in a later group.
          if (this.#dirty.get(key) !== (value ?? ABSENT)) continue;
          this.#dirty.delete(key);
          this.#remember(type, key, value ?? ABSENT);
        }
  }

  #inMemory(type: string, id: string): unknown {
    const key = `${type} ${id}`;
    return this.#dirty.get(key) ?? this.#cache.get(key);
  }

  #remember(type: string, key: string, value: unknown): void {
    // Hundreds are made at a time, and each is read once.
    if (type === 'pre-key') this.#cache.delete(key);
    else this.#cache.set(key, value as object);
  }

  async #load(type: string, ids: string[], found: Record<string, unknown>): Promise<void> {
    const { sealer, session_id } = this.#options;
    const rows = new Map((await this.#read(type, ids)).map((row) => [row.id, row]));
    for (const id of ids) {
      const key = `${type} ${id}`;
      // Written while Postgres was asked.
      let value = this.#inMemory(type, id);
      if (value === undefined) {
        const row = rows.get(id);
        value = row ? revive(type, sealer.open(row.value, row.kid, session_id, type, id)) : ABSENT;
        this.#remember(type, key, value);
      }
      if (value !== ABSENT) found[id] = value;
    }
  }

  async #read(type: string, ids: string[]) {
    const { db, session_id, log } = this.#options;
    const give_up_at = performance.now() + PATIENCE_MS;
    for (;;) {
      if (log.ended) throw new LogEndedError(log.ended);
      try {
        return await readKeys(db, session_id, type, ids);
      } catch (error) {
        if (error instanceof DbUnavailableError && performance.now() < give_up_at) {
          await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
          continue;
        }
        log.end('unavailable');
        throw error;
      }
    }
  }
}

const revive = (type: string, value: unknown): unknown =>
  type === 'app-state-sync-key' ? proto.Message.AppStateSyncKeyData.fromObject(value as object) : value;

function merge(into: KeyChanges, changes: KeyChanges): void {
  for (const [type, values] of Object.entries(changes)) Object.assign((into[type] ??= {}), values);
}
