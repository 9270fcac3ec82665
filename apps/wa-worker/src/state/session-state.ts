import type { Logger } from '@potentia/config/logger';
import type { Db } from '@potentia/db/client';
import { type CommitAnswer, forgetKeys, type LeaseHolder, takeLease } from '@potentia/db/wa/state-queries';
import { fromDb } from '@potentia/domain/platform/db-errors';
import { AppError } from '@potentia/domain/platform/errors';
import { SealError } from '@potentia/domain/platform/seal';
import type { SessionSettings } from '@potentia/domain/whatsapp/schemas';
import { type AuthenticationCreds, initAuthCreds } from '@whiskeysockets/baileys';
import type { KeySealer } from './key-sealer.ts';
import { type LogEntry, SessionLog } from './session-log.ts';
import { SignalStore } from './signal-store.ts';

/** How long a lease lasts without being renewed, in ms. */
export const LEASE_MS = 15_000;

export interface StateCtx {
  db: Db;
  log: Logger;
  sealer: KeySealer;
  /** How long Postgres may be away, in ms; see `SessionLog`. */
  patience_ms?: number;
}

/** An opening of a session by who holds its lease: what it remembers, and how it writes. Ends with its log. */
export interface SessionState extends LeaseHolder {
  readonly log: SessionLog;
  readonly keys: SignalStore;
  /** Null: never paired, or logged out. Baileys changes the object that it is given. */
  readonly creds: AuthenticationCreds | null;
  readonly settings: SessionSettings;
  readonly phone: string | null;
  readonly lid: string | null;
  readonly linked_at: Date | null;
  readonly restricted_until: Date | null;
  /** For a first pairing, and never else. Throws `worker.credentials_present` where there are some. */
  createCreds(): AuthenticationCreds;
  /** To be called after each `creds.update`. */
  saveCreds(): void;
  /** After a logout: deletes credentials and keys, and ends the log. */
  forget(): Promise<void>;
  /** Called for each group that became durable. */
  onCommitted(listener: (entries: readonly LogEntry[], answer: CommitAnswer) => void): void;
}

/**
 * Takes the lease and reads the credentials. Throws `lease.lost`; `worker.credentials_lost` where keys are there and credentials are
 * not, and `worker.credentials_sealed` where no key opens them: a new pairing must not write over what can still be restored.
 */
export async function openSessionState(
  ctx: StateCtx,
  holder: LeaseHolder,
  settings: SessionSettings | null,
): Promise<SessionState> {
  const { db, sealer } = ctx;
  const { session_id, worker_id, generation } = holder;
  const lease = await fromDb(() => takeLease(db, holder, LEASE_MS, settings));
  if (lease.creds === null && lease.has_keys)
    throw new AppError('conflict', 'worker.credentials_lost', 'The credentials are lost; restore them, or log out.');

  let creds = lease.creds === null ? null : openCreds(sealer, lease.creds, lease.kid ?? '', session_id);
  const listeners = new Set<(entries: readonly LogEntry[], answer: CommitAnswer) => void>();
  const log = new SessionLog({
    ...{ db, log: ctx.log, holder, epoch: lease.epoch, sealer },
    creds: () => creds,
    ...(ctx.patience_ms !== undefined && { patience_ms: ctx.patience_ms }),
    onCommitted: (entries, answer) => {
      keys.onCommitted(entries);
      for (const listener of listeners) listener(entries, answer);
    },
  });
  const keys = new SignalStore({ db, session_id, sealer, log });
  return {
    ...{ session_id, worker_id, generation, log, keys },
    get creds() {
      return creds;
    },
    settings: lease.settings,
    phone: lease.phone,
    lid: lease.lid,
    linked_at: toDate(lease.linked_at),
    restricted_until: toDate(lease.restricted_until),
    createCreds() {
      if (creds) throw new AppError('conflict', 'worker.credentials_present', 'The session is paired already.');
      return (creds = initAuthCreds());
    },
    saveCreds: () => void log.append({ creds: true }),
    async forget() {
      log.end('closed');
      await fromDb(() => forgetKeys(db, holder));
    },
    onCommitted: (listener) => void listeners.add(listener),
  };
}

function openCreds(sealer: KeySealer, sealed: string, kid: string, session_id: string): AuthenticationCreds {
  try {
    return sealer.open(sealed, kid, session_id, 'creds', '') as AuthenticationCreds;
  } catch (error) {
    if (!(error instanceof SealError)) throw error;
    const message = 'The credentials are sealed with a key that this worker does not have.';
    throw new AppError('conflict', 'worker.credentials_sealed', message, {}, { cause: error });
  }
}

const toDate = (text: string | null): Date | null => (text === null ? null : new Date(text));
