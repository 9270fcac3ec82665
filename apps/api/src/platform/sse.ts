import { Readable } from 'node:stream';

/** A comment goes out after so much silence, so that nobody on the way takes the connection for dead. */
const HEARTBEAT_MS = 15_000;
/** Bytes that may wait for a slow reader; then nothing more is taken for it. */
const MAX_WAITING = 65_536;
/** How long a client waits before it connects again by itself. */
const RETRY_MS = 2_000;

export const EVENT_STREAM = 'text/event-stream';

/** Of an answer that is a stream: nobody on the way may keep it, change it or collect it. */
export const SSE_HEADERS = {
  'content-type': `${EVENT_STREAM}; charset=utf-8`,
  'cache-control': 'no-store, no-transform',
  'x-accel-buffering': 'no',
};

export interface SseEvent {
  /** 0: it has none, and a client that comes back is where it was before it. */
  index: number;
  /** In place of `index`, where what numbers the events is not a number. */
  id?: string;
  type: string;
  /** One line. */
  json: string;
}

/**
 * Events as a stream of the HTML standard: `id`, `event`, `data`. One that is not read fast enough holds up its own source and nobody
 * else's. When the client goes, or the stream fails, `gone` is called. `failed` says what is told when the source throws, if anything.
 */
export function sseStream(
  events: AsyncIterable<SseEvent>,
  { gone, failed }: { gone: () => void; failed: (error: unknown) => SseEvent | null },
): Readable {
  let resume: () => void = () => undefined;
  const stream = new Readable({ highWaterMark: MAX_WAITING, read: () => resume() });
  const send = (text: string): Promise<void> | undefined => {
    heartbeat.refresh();
    if (stream.destroyed || stream.push(text)) return undefined;
    return new Promise((resolve) => (resume = resolve));
  };
  const heartbeat = setInterval(() => {
    // What waits already says that we are there.
    if (stream.readableLength === 0) stream.push(': beat\n\n');
  }, HEARTBEAT_MS);
  stream.once('close', () => {
    clearInterval(heartbeat);
    gone();
    resume();
  });

  const pump = async (): Promise<void> => {
    await send(`retry: ${RETRY_MS}\n\n`);
    try {
      for await (const event of events) {
        if (stream.destroyed) return;
        await send(textOf(event));
      }
    } catch (error) {
      const last = failed(error);
      if (last && !stream.destroyed) stream.push(textOf(last));
    }
    if (!stream.destroyed) stream.push(null);
  };
  void pump();
  return stream;
}

const textOf = ({ index, id = index > 0 ? String(index) : '', type, json }: SseEvent): string =>
  `${id ? `id: ${id}\n` : ''}event: ${type}\ndata: ${json}\n\n`;

/** Whether a client asks for a stream of events. */
export const wantsEvents = (accept: string | undefined): boolean => {
  const ranges = (accept ?? '').toLowerCase().split(',');
  return ranges.some((range) => range.split(';', 1)[0]?.trim() === EVENT_STREAM);
};

/** The `Last-Event-ID` of a client that comes back; 0: it has nothing yet. */
export function lastEventId(header: string | string[] | undefined): number {
  const text = typeof header === 'string' ? header.trim() : '';
  return /^\d{1,15}$/.test(text) ? Number(text) : 0;
}
