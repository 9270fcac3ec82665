import { currentTraceparent, inSpan, withTraceparent } from '@potentia/config/telemetry';
import type { ClaimedEvents } from '@potentia/db/wa/event-queries';
import { REQUEST_ID_HEADER } from '@potentia/domain/platform/request-id';
import { derivedId } from '@potentia/domain/platform/uuid';
import { signedHeaders } from '@potentia/domain/webhook/rules/signature';
import { parseRetryAfter } from '@potentia/domain/webhook/rules/schedule';

/**
 * Why the API did not take events:
 * - `away`: it cannot be reached, is not well, or is not the one that it should be. The events have no part in it.
 * - `busy`: it wants to be asked later.
 * - `early`: it cannot take these yet.
 * - `refused`: something is wrong with one of these.
 */
export type Failure = 'away' | 'busy' | 'early' | 'refused';

/** The API did not take events. The message may be stored: it holds nothing of them. */
export class EventsNotTakenError extends Error {
  override readonly name = 'EventsNotTakenError';
  readonly failure: Failure;
  readonly retry_after_ms: number | null;

  constructor(failure: Failure, message: string, retry_after_ms: number | null = null) {
    super(message);
    this.failure = failure;
    this.retry_after_ms = retry_after_ms;
  }
}

export interface EventSender {
  /** Throws `EventsNotTakenError`. */
  send(events: Pick<ClaimedEvents, 'kind' | 'worker_id' | 'items'>): Promise<void>;
}

export interface EventSenderOptions {
  api_url: string;
  secrets: readonly [string, ...string[]];
  /** Milliseconds from the start of a request to the end of its answer. */
  timeout_ms: number;
}

/**
 * Refusals that say something of the door and not of what was sent: another secret or clock, an API that is older than this worker, a
 * proxy in front of it.
 */
const DOOR_STATUSES = new Set([401, 403, 404, 405, 407, 408, 421]);

function failureOf(status: number): Failure {
  if (status === 429) return 'busy';
  if (status === 409 || status === 425) return 'early';
  return status < 400 || status >= 500 || DOOR_STATUSES.has(status) ? 'away' : 'refused';
}

export function createEventSender({ api_url, secrets, timeout_ms }: EventSenderOptions): EventSender {
  const post = async (kind: string, body: string, ids: { id: string; request_id: string | null }): Promise<void> => {
    const traceparent = currentTraceparent();
    const timestamp = Math.floor(Date.now() / 1_000);
    const headers = {
      'content-type': 'application/json',
      'user-agent': 'Potentia-WhatsApp-Worker/1',
      ...signedHeaders({ id: ids.id, timestamp, body }, secrets),
      ...(ids.request_id !== null && { [REQUEST_ID_HEADER]: ids.request_id }),
      ...(traceparent !== undefined && { traceparent }),
    };
    const { status, retry_after, text } = await exchange(`${api_url}/api/webhooks/${kind}`, headers, body, timeout_ms);
    if (status >= 200 && status < 300) return;
    const wait_ms = parseRetryAfter(retry_after ?? undefined, new Date()) ?? null;
    throw new EventsNotTakenError(failureOf(status), `the API answered ${status}${codeOf(text)}`, wait_ms);
  };

  return {
    send({ kind, worker_id, items }) {
      const [first] = items;
      const ids = items.map((item) => item.event_id);
      const id = derivedId(...ids);
      const body = JSON.stringify({ worker_id, items });
      return withTraceparent(first.traceparent ?? undefined, () =>
        inSpan('whatsapp.tell', { kind, events: items.length }, () =>
          post(kind, body, { id, request_id: first.request_id }),
        ),
      );
    },
  };
}

interface Answer {
  status: number;
  retry_after: string | null;
  text: string;
}

async function exchange(url: string, headers: Record<string, string>, body: string, ms: number): Promise<Answer> {
  try {
    const signal = AbortSignal.timeout(ms);
    const response = await fetch(url, { method: 'POST', headers, body, redirect: 'manual', signal });
    return { status: response.status, retry_after: response.headers.get('retry-after'), text: await response.text() };
  } catch (error) {
    const late = (error as Error).name === 'TimeoutError';
    throw new EventsNotTakenError('away', late ? 'the API did not answer in time' : 'the API cannot be reached');
  }
}

/** The stable code of a problem, which names no content. */
function codeOf(text: string): string {
  try {
    const { code } = JSON.parse(text) as { code?: unknown };
    return typeof code === 'string' && /^[a-z_]+\.[a-z_]+$/.test(code) ? ` (${code})` : '';
  } catch {
    return '';
  }
}
