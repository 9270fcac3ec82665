import {
  type CacheStore,
  isJidNewsletter,
  isJidStatusBroadcast,
  type UserFacingSocketConfig,
} from '@whiskeysockets/baileys';
import { parseVersion } from '@potentia/domain/whatsapp/rules/client-version';
import { LRUCache } from 'lru-cache';
import type { WaWorkerContext } from '../context.ts';
import type { SessionState } from '../state/session-state.ts';

type BaileysLog = NonNullable<UserFacingSocketConfig['logger']>;

/** Entries of all sessions together, of each kind. */
const MAX_ENTRIES = 20_000;
const HOUR_MS = 3_600_000;
const FIVE_MINUTES_MS = 300_000;
/** A query that gets no answer holds its socket in memory for so long. */
const QUERY_MS = 30_000;

/** What Baileys keeps for a while, in caches that all sessions share: it makes four for each socket otherwise, with timers of their own. */
export interface BaileysCaches {
  of(
    session_id: string,
  ): Pick<
    UserFacingSocketConfig,
    'msgRetryCounterCache' | 'userDevicesCache' | 'callOfferCache' | 'placeholderResendCache'
  >;
}

export function createBaileysCaches(): BaileysCaches {
  const create = (ttl: number) => new LRUCache<string, object | string | number | boolean>({ max: MAX_ENTRIES, ttl });
  const retries = create(HOUR_MS);
  const devices = create(FIVE_MINUTES_MS);
  const calls = create(FIVE_MINUTES_MS);
  const resends = create(HOUR_MS);
  return {
    of: (session_id) => ({
      msgRetryCounterCache: sliceOf(retries, session_id),
      userDevicesCache: sliceOf(devices, session_id),
      callOfferCache: sliceOf(calls, session_id),
      placeholderResendCache: sliceOf(resends, session_id),
    }),
  };
}

/** The entries of one session; those of another are not seen. */
function sliceOf(cache: LRUCache<string, object | string | number | boolean>, session_id: string): CacheStore {
  const keyOf = (key: string) => `${session_id} ${key}`;
  return {
    get: <T>(key: string) => cache.get(keyOf(key)) as T | undefined,
    set: <T>(key: string, value: T) => void cache.set(keyOf(key), value as object),
    del: (key) => void cache.delete(keyOf(key)),
    flushAll() {
      for (const key of cache.keys()) if (key.startsWith(keyOf(''))) cache.delete(key);
    },
  };
}

/**
 * Nothing that Baileys says is written: its lines hold stanzas, keys and texts. How often it complains is counted.
 */
export function createBaileysLog(count: (level: 'warn' | 'error') => void): BaileysLog {
  const nothing = () => undefined;
  const log: BaileysLog = {
    level: 'silent',
    child: () => log,
    trace: nothing,
    debug: nothing,
    info: nothing,
    warn: () => count('warn'),
    error: () => count('error'),
  };
  return log;
}

/** How every session connects; the parts add what is theirs. `version` is the caller's wish. */
export function connectionOptions(
  { config, timings, metrics }: Pick<WaWorkerContext, 'config' | 'timings' | 'metrics'>,
  state: SessionState,
  creds: NonNullable<SessionState['creds']>,
  version: string | null,
): UserFacingSocketConfig {
  const numbers = parseVersion(version ?? config.WHATSAPP_VERSION ?? '');
  return {
    auth: { creds, keys: state.keys },
    logger: createBaileysLog((level) => metrics.countComplaint(level)),
    ...(numbers && { version: numbers }),
    ...(config.WHATSAPP_WEB_SOCKET_URL && { waWebSocketUrl: config.WHATSAPP_WEB_SOCKET_URL }),
    ...(timings.qr_ms > 0 && { qrTimeout: timings.qr_ms }),
    connectTimeoutMs: timings.connect_ms,
    // The watchdog asks more often.
    keepAliveIntervalMs: 30_000,
    defaultQueryTimeoutMs: QUERY_MS,
    // What we send is in the outbox; as an event it would be taken for a message of the phone's.
    emitOwnEvents: false,
    // Marked as online, it would keep notifications from the person's phone.
    markOnlineOnConnect: false,
    syncFullHistory: false,
    shouldIgnoreJid: (jid) => isJidNewsletter(jid) || isJidStatusBroadcast(jid),
    // Writing to the store is appending to the log, which does not fail: it tries again itself.
    transactionOpts: { maxCommitRetries: 1, delayBetweenTriesMs: 100 },
  };
}
