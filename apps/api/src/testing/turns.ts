import type { TurnEvent } from '@potentia/domain/agent/turn-events';
import type { Person, TestApi } from './api.ts';

export type Streamed = TurnEvent & { index: number };

/** A turn as a client reads it over a real connection. */
export interface OpenTurn {
  status: number;
  headers: Headers;
  /** What has come so far. */
  events: Streamed[];
  /** What stands in the stream beside events. */
  comments: string[];
  /** When the stream is over, or the client has gone. */
  ended: Promise<void>;
  /** The client goes. */
  leave(): void;
  /** The first event of this type, when it comes. */
  find<T extends TurnEvent['type']>(type: T): Promise<Extract<Streamed, { type: T }>>;
  /** The whole answer in words. */
  text(): string;
}

const WAIT_MS = 15_000;

/** Makes an API reachable over HTTP; its address. */
export const listen = (api: TestApi): Promise<string> => api.app.listen({ host: '127.0.0.1', port: 0 });

export async function openTurn(
  url: string,
  who: Person,
  body: object | null,
  headers: Record<string, string> = {},
): Promise<OpenTurn> {
  const abort = new AbortController();
  const response = await fetch(url, {
    method: body ? 'POST' : 'GET',
    signal: abort.signal,
    headers: {
      authorization: `Bearer ${who.token}`,
      accept: 'text/event-stream',
      ...(body && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  const events: Streamed[] = [];
  const comments: string[] = [];
  let wake: () => void = () => undefined;
  let is_over = false;
  const read = async (): Promise<void> => {
    let text = '';
    const decoder = new TextDecoder();
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      text += decoder.decode(chunk, { stream: true });
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) parse(block, events, comments);
      wake();
    }
  };
  const ended = read()
    .catch(() => undefined)
    .finally(() => {
      is_over = true;
      wake();
    });
  const find: OpenTurn['find'] = async (type) => {
    const until = Date.now() + WAIT_MS;
    for (;;) {
      const found = events.find((event) => event.type === type);
      if (found) return found as never;
      if (is_over || Date.now() > until) throw new Error(`no ${type} in ${JSON.stringify(events)}`);
      await new Promise<void>((resolve) => {
        wake = resolve;
        setTimeout(resolve, 200);
      });
    }
  };
  return {
    status: response.status,
    headers: response.headers,
    events,
    comments,
    ended,
    leave: () => abort.abort(),
    find,
    text: () => events.flatMap((event) => (event.type === 'delta' ? [event.text] : [])).join(''),
  };
}

function parse(block: string, events: Streamed[], comments: string[]): void {
  const fields = new Map<string, string>();
  for (const line of block.split('\n')) {
    const at = line.indexOf(':');
    if (at === 0) comments.push(line.slice(1).trim());
    else fields.set(line.slice(0, at), line.slice(at + 2));
  }
  const data = fields.get('data');
  if (data === undefined) return;
  const event = JSON.parse(data) as TurnEvent;
  if (event.type !== fields.get('event')) throw new Error(`${block} names another type`);
  events.push({ ...event, index: Number(fields.get('id') ?? 0) });
}
