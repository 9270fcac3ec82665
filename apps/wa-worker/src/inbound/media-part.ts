import {
  claimMedia,
  finishMedia,
  forgetMedia,
  type MediaResult,
  type MediaTask,
} from '@potentia/db/wa/inbound-queries';
import { getLease } from '@potentia/db/wa/session-queries';
import { AppError } from '@potentia/domain/platform/errors';
import { groupJid, personJid } from '@potentia/domain/whatsapp/rules/jid';
import { proto, type WAMessage } from '@whiskeysockets/baileys';
import type { WaWorkerContext } from '../context.ts';
import type { HeldSession, SessionPart } from '../session/parts.ts';
import type { SessionState } from '../state/session-state.ts';
import { fetchMedia, MediaExpiredError } from './fetch-media.ts';
import { isKnownHost, mediaAddress, mediaSourceOf } from './media-source.ts';
import { MediaCorruptError, MediaTooLargeError } from './media-stream.ts';
import type { InboundMetrics } from './metrics.ts';

export interface MediaTimings {
  /** Between two looks for what is due, when nothing has said that there is something. */
  poll_ms: number;
  /** Before the second attempt; each one after that waits twice as long. */
  retry_ms: number;
  /** How long the phone has to upload a file again. */
  upload_again_ms: number;
}
export const MEDIA_TIMINGS: MediaTimings = { poll_ms: 2_000, retry_ms: 5_000, upload_again_ms: 30_000 };

/** Files of all sessions that are fetched at once: each has two parts of 8 MiB in memory on its way. */
const MAX_AT_ONCE = 4;
/** Some hours, with the waits between them. */
const MAX_ATTEMPTS = 12;
const MAX_RETRY_MS = 3_600_000;
/** Of our own storage, which comes back. */
const STORAGE_RETRY_MS = 30_000;

type Context = Pick<WaWorkerContext, 'db' | 'objects' | 'config' | 'log'>;

/** Fetches the files of messages that came in, one loop for all sessions of this process. */
export function mediaPart(
  context: Context,
  metrics: InboundMetrics,
  timings: MediaTimings = MEDIA_TIMINGS,
): SessionPart {
  const loop = new MediaLoop(context, metrics, timings);
  const watched = new WeakSet<SessionState>();
  return {
    name: 'media',
    onSocket(_sock, held) {
      loop.add(held);
      const { state } = held;
      if (watched.has(state)) return;
      watched.add(state);
      state.onCommitted((_entries, { inbound = [] }) => {
        if (inbound.some((change) => (change as { has_media?: boolean }).has_media)) loop.wake();
      });
    },
    onDropped: (held) => loop.remove(held),
  };
}

class MediaLoop {
  readonly #context: Context;
  readonly #metrics: InboundMetrics;
  readonly #timings: MediaTimings;
  readonly #held = new Map<string, { held: HeldSession; stop: AbortController }>();
  readonly #running = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #is_looking = false;
  #is_woken = false;

  constructor(context: Context, metrics: InboundMetrics, timings: MediaTimings) {
    this.#context = context;
    this.#metrics = metrics;
    this.#timings = timings;
  }

  add(held: HeldSession): void {
    if (!this.#held.has(held.session_id)) this.#held.set(held.session_id, { held, stop: new AbortController() });
    this.wake();
  }

  remove(held: HeldSession): void {
    const found = this.#held.get(held.session_id);
    if (found?.held !== held) return;
    found.stop.abort();
    this.#held.delete(held.session_id);
    if (this.#held.size === 0) clearTimeout(this.#timer);
  }

  wake(): void {
    this.#is_woken = true;
    if (!this.#is_looking) void this.#look();
  }

  async #look(): Promise<void> {
    this.#is_looking = true;
    clearTimeout(this.#timer);
    while (this.#is_woken && this.#held.size > 0 && this.#running.size < MAX_AT_ONCE) {
      this.#is_woken = false;
      await this.#claim().catch(() => undefined);
    }
    this.#is_looking = false;
    if (this.#held.size === 0) return;
    this.#timer = setTimeout(() => this.wake(), this.#timings.poll_ms);
    this.#timer.unref();
  }

  async #claim(): Promise<void> {
    const limit = MAX_AT_ONCE - this.#running.size;
    const by_worker = Map.groupBy(this.#held.values(), ({ held }) => held.worker_id);
    for (const [worker_id, mine] of by_worker) {
      const session_ids = mine.map(({ held }) => held.session_id);
      const tasks = await claimMedia(this.#context.db, worker_id, session_ids, [...this.#running], limit);
      for (const task of tasks) void this.#run(task);
    }
  }

  async #run(task: MediaTask): Promise<void> {
    const found = this.#held.get(task.session_id);
    if (!found) return;
    this.#running.add(task.media_id);
    try {
      if (task.task === 'delete') await this.#delete(found.held, task);
      else await this.#download(found.held, task, found.stop.signal);
    } catch (error) {
      // Of Postgres, or the lease is gone: it is due again in a minute, wherever the session is then.
      found.held.log.warn({ error: nameOf(error), media_id: task.media_id }, 'the end of a file could not be written');
    } finally {
      this.#running.delete(task.media_id);
      this.wake();
    }
  }

  async #delete(held: HeldSession, { media_id, object_key }: MediaTask): Promise<void> {
    if (object_key !== null) await this.#context.objects.delete([object_key]);
    await forgetMedia(this.#context.db, held, media_id);
    this.#metrics.countMedia('deleted');
  }

  async #download(held: HeldSession, task: MediaTask, signal: AbortSignal): Promise<void> {
    const { db, objects } = this.#context;
    const result = await this.#attempt(held, task, signal);
    try {
      if (!signal.aborted) {
        const is_wanted = await finishMedia(db, held, { media_id: task.media_id, ...result });
        this.#metrics.countMedia(result.status === 'pending' ? 'retried' : result.status, result.size);
        // The message was deleted meanwhile.
        if (!is_wanted && result.object_key) await objects.delete([result.object_key]);
        return;
      }
    } catch (error) {
      if (await getLease(db, held.session_id)) throw error;
    }
    // The session was deleted meanwhile: what was on its way into storage is nobody's. Of one that moved it is the next worker's.
    if (await getLease(db, held.session_id)) return;
    await objects.delete([objectKey(task)]);
    held.log.info({ media_id: task.media_id }, 'a file went with its session');
  }

  async #attempt(held: HeldSession, task: MediaTask, signal: AbortSignal): Promise<Omit<MediaResult, 'media_id'>> {
    const { objects, config } = this.#context;
    const max_bytes = config.WHATSAPP_MEDIA_MAX_BYTES;
    if ((task.size ?? 0) > max_bytes) return { status: 'too_large' };
    const bytes = Buffer.from(task.proto ?? '', 'base64');
    try {
      const source = await mediaSourceOf(bytes);
      if (!source) return { status: 'failed', error: 'unreadable' };
      const hosts = isKnownHost(source) ? [] : await namedHosts(held);
      if (!hosts) return this.#again(task, 'not_connected');
      const address = mediaAddress(source, hosts);
      if (!address) return { status: 'failed', error: 'no_address' };
      const object_key = objectKey(task);
      const target = { key: object_key, media_type: task.media_type, max_bytes };
      const { size } = await fetchMedia(objects, address, source, target, signal);
      return { status: 'stored', object_key, size };
    } catch (error) {
      if (error instanceof MediaTooLargeError) return { status: 'too_large' };
      if (error instanceof MediaCorruptError) return { status: 'failed', error: 'corrupt' };
      if (error instanceof AppError && error.code === 'objects.unavailable')
        return { status: 'pending', error: 'storage', retry_ms: STORAGE_RETRY_MS };
      const proto_again = error instanceof MediaExpiredError ? await this.#uploadAgain(held, task, bytes) : undefined;
      return this.#again(task, nameOf(error), proto_again);
    }
  }

  #again({ attempts }: MediaTask, error: string, proto_again?: string): Omit<MediaResult, 'media_id'> {
    if (attempts >= MAX_ATTEMPTS) return { status: 'failed', error };
    const wait_ms = this.#timings.retry_ms * 2 ** (attempts - 1) * (0.75 + Math.random() / 2);
    const retry_ms = proto_again ? 0 : Math.round(Math.min(wait_ms, MAX_RETRY_MS));
    return { status: 'pending', error, retry_ms, proto: proto_again };
  }

  /** Asks the phone that sent a file for it; the message that says where it is now. Undefined: it did not answer. */
  async #uploadAgain(held: HeldSession, task: MediaTask, bytes: Uint8Array): Promise<string | undefined> {
    const { sock } = held;
    if (!sock || !held.is_sending) return undefined;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), this.#timings.upload_again_ms);
    });
    try {
      const message = { key: keyOf(task), message: proto.Message.decode(bytes) } as WAMessage;
      // Baileys waits for ever.
      const answer = await Promise.race([sock.updateMediaMessage(message), late]);
      const found = answer?.message;
      return found ? Buffer.from(proto.Message.encode(found).finish()).toString('base64') : undefined;
    } catch {
      return undefined;
    } finally {
      clearTimeout(timer);
    }
  }
}

const objectKey = ({ media_id }: MediaTask): string => `whatsapp/media/${media_id}`;

/** The hosts that WhatsApp names for files. Null: it cannot be asked now. */
async function namedHosts({ sock, is_sending }: HeldSession): Promise<string[] | null> {
  if (!sock || !is_sending) return null;
  try {
    return (await sock.refreshMediaConn(false)).hosts.map(({ hostname }) => hostname);
  } catch {
    return null;
  }
}

function keyOf({ chat, sender, from_me, message_id }: MediaTask): WAMessage['key'] {
  const remoteJid = chat.contact ? personJid(chat.contact) : groupJid(chat.group_id ?? '');
  return {
    id: message_id,
    fromMe: from_me,
    remoteJid,
    ...(!chat.contact && sender && { participant: personJid(sender) }),
  };
}

/** Not what it says: that may name addresses. */
const nameOf = (error: unknown): string => (error instanceof Error ? error.name : 'unknown');
