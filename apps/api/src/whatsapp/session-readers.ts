import { AppError } from '@potentia/domain/platform/errors';

/** Streams of one person, and of all, that one process keeps open. */
const PER_PERSON = 10;
const TOTAL = 500;

/** Who looks at sessions over this process now. */
export interface SessionReaders {
  /** Counts one in; its `leave` counts it out. Throws `whatsapp.too_many_streams`. */
  enter(user_id: string): { signal: AbortSignal; leave: () => void };
  /** Ends all of them: their clients come back over another replica. */
  close(): void;
}

export function createSessionReaders(): SessionReaders {
  const open = new Set<AbortController>();
  const counts = new Map<string, number>();

  return {
    enter(user_id) {
      const mine = counts.get(user_id) ?? 0;
      if (mine >= PER_PERSON || open.size >= TOTAL)
        throw new AppError('limit', 'whatsapp.too_many_streams', 'Too many streams are open.', {
          retry_after_ms: 5_000,
        });
      const reader = new AbortController();
      open.add(reader);
      counts.set(user_id, mine + 1);
      return {
        signal: reader.signal,
        leave() {
          if (!open.delete(reader)) return;
          reader.abort(GONE);
          const left = (counts.get(user_id) ?? 1) - 1;
          if (left > 0) counts.set(user_id, left);
          else counts.delete(user_id);
        },
      };
    },
    close() {
      for (const reader of open) reader.abort(GONE);
    },
  };
}

/** A reason that costs nothing: a DOMException takes a stack with it. */
const GONE = 'gone';
