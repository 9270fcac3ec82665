import { type ClientOptions, WebSocket } from 'ws';

// The tests' expectations say what a frame holds.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Frame = Record<string, any> & { type: string };

/** The handshake was answered with plain HTTP. */
export class HandshakeRefused extends Error {
  readonly status: number;
  readonly problem: Record<string, unknown>;
  readonly headers: Record<string, unknown>;

  constructor(status: number, headers: Record<string, unknown>, text: string) {
    super(`${status} ${text}`);
    this.status = status;
    this.headers = headers;
    this.problem = String(headers['content-type']).startsWith('application/problem+json')
      ? (JSON.parse(text) as never)
      : {};
  }
}

/** How a handshake that must not succeed was refused. */
export async function refusal(
  ...args: Parameters<typeof TestClient.connect>
): Promise<{ status: number; code: unknown }> {
  const error = await TestClient.connect(...args).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof HandshakeRefused)) throw new Error(`not refused: ${String(error)}`);
  if (error.problem['request_id'] !== error.headers['x-request-id']) throw new Error('a refusal under another id');
  return { status: error.status, code: error.problem['code'] };
}

export interface Closed {
  code: number;
  reason: string;
}

/** A client that keeps every frame it got. */
export class TestClient implements AsyncDisposable {
  readonly ws: WebSocket;
  readonly frames: Frame[] = [];
  /** When each mutation's event came, by `performance.now()`. */
  readonly arrivals = new Map<string, number>();
  readonly closed: Promise<Closed>;
  readonly #watchers = new Set<() => void>();

  constructor(ws: WebSocket) {
    this.ws = ws;
    ws.on('message', (data: Buffer) => {
      const frame = JSON.parse(data.toString('utf8')) as Frame;
      this.frames.push(frame);
      if (frame.type === 'event') this.arrivals.set(frame['mutation_id'] as string, performance.now());
      for (const look of this.#watchers) look();
    });
    ws.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      ws.on('close', (code, reason) => resolve({ code, reason: reason.toString() }));
    });
  }

  /** Connects as the bearer of `token`. Throws HandshakeRefused. */
  static async connect(
    url: string,
    token?: string,
    options: ClientOptions & { protocols?: string[] } = {},
  ): Promise<TestClient> {
    const { protocols = [], headers, ...rest } = options;
    const authorization: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const ws = new WebSocket(url.replace(/^http/, 'ws'), protocols, {
      ...rest,
      headers: { ...authorization, ...headers },
    });
    const client = new TestClient(ws);
    await new Promise<void>((resolve, reject) => {
      ws.once('open', resolve);
      ws.once('error', reject);
      ws.once('unexpected-response', (_request, response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('end', () => reject(new HandshakeRefused(response.statusCode ?? 0, response.headers, text)));
      });
    });
    return client;
  }

  send(frame: object | string): void {
    this.ws.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
  }

  /** The first frame, past or future, that `matches`. */
  async find(matches: string | ((frame: Frame) => boolean), timeout_ms = 5_000): Promise<Frame> {
    const test = typeof matches === 'string' ? (frame: Frame) => frame.type === matches : matches;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#watchers.delete(look);
        const seen = this.frames.map(({ type, seq, code }) => ({ type, seq, code }));
        reject(new Error(`no such frame within ${timeout_ms} ms; saw ${JSON.stringify(seen.slice(-20))}`));
      }, timeout_ms);
      const look = (): void => {
        const found = this.frames.find(test);
        if (!found) return;
        clearTimeout(timer);
        this.#watchers.delete(look);
        resolve(found);
      };
      this.#watchers.add(look);
      look();
    });
  }

  /** Sends a mutation and waits for its answer: `ack`, `conflict` or `error`. */
  async mutate(mutation_id: string, ops: object[], timeout_ms = 5_000): Promise<Frame> {
    this.send({ type: 'mutate', mutation_id, ops });
    return this.find((frame) => isAnswer(frame, mutation_id), timeout_ms);
  }

  of(type: string): Frame[] {
    return this.frames.filter((frame) => frame.type === type);
  }

  /** What the client knows of the canvas's sequence: true when each event follows the one before, from its snapshot on. */
  whole(): boolean {
    let at: { epoch: string; seq: number } | undefined;
    for (const { type, epoch, seq } of this.frames as Array<Frame & { epoch: string; seq: number }>) {
      if (type !== 'snapshot' && type !== 'event' && !(type === 'hello' && at === undefined)) continue;
      if (type === 'event' && (at?.epoch !== epoch || at.seq + 1 !== seq)) return false;
      at = { epoch, seq };
    }
    return at !== undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.ws.terminate();
    await this.closed;
  }
}

const isAnswer = (frame: Frame, mutation_id: string): boolean =>
  (frame.type === 'ack' || frame.type === 'conflict' || frame.type === 'error') &&
  (frame['mutation_id'] === mutation_id || frame['ref'] === mutation_id);
