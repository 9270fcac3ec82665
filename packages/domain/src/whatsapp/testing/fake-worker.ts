import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { bearerToken } from '../../auth/bearer-token.ts';
import { AppError } from '../../platform/errors.ts';
import { toProblem } from '../../platform/problem.ts';
import { type ServiceSecrets, verifyServiceToken, WORKER_AUDIENCE } from '../../platform/service-token.ts';

/** The leases of every worker, as their common database keeps them: a later decision wins, and no other does. */
export class LeaseBook {
  readonly #leases = new Map<string, { generation: number; worker: string }>();
  /** Every lease that was ever taken, in order. */
  readonly taken: { session_id: string; generation: number; worker: string }[] = [];

  take(session_id: string, generation: number, worker: string): boolean {
    const lease = this.#leases.get(session_id);
    if (lease && (lease.generation > generation || (lease.generation === generation && lease.worker !== worker)))
      return false;
    if (lease?.generation !== generation) this.taken.push({ session_id, generation, worker });
    this.#leases.set(session_id, { generation, worker });
    return true;
  }

  holderOf = (session_id: string): { generation: number; worker: string } | undefined => this.#leases.get(session_id);
}

export interface FakeCommand {
  /** Such as `PUT` or `POST /release`. */
  command: string;
  session_id: string | null;
  generation: number | null;
  body: Record<string, unknown> | undefined;
  request_id: string | undefined;
}

/** The worker's side of the wire: it looks at every token, and takes leases out of the book. It has no sockets to anybody. */
export interface FakeWorker extends AsyncDisposable {
  url: string;
  /** As which it registered. */
  worker_id: string;
  /** Of this process, in the book. */
  readonly identity: string;
  /** What it was commanded, in order, whatever it answered. */
  commands: FakeCommand[];
  held: Map<string, { generation: number; status: string }>;
  /** Answers every command so from now on; null: as a worker should. */
  answer(how: ((request: FakeCommand, response: ServerResponse) => void) | null): void;
  /** As after kill -9. */
  kill(): Promise<void>;
}

export async function startFakeWorker(secrets: ServiceSecrets, book = new LeaseBook()): Promise<FakeWorker> {
  const identity = randomUUID();
  const commands: FakeCommand[] = [];
  const held: FakeWorker['held'] = new Map();
  let answer: ((request: FakeCommand, response: ServerResponse) => void) | null = null;

  const server = createServer((request, response) => {
    void serve(request, response).catch((error: unknown) => {
      const { status, headers, body } = toProblem(error, { id: 'fake', path: request.url ?? '/' });
      response.writeHead(status, headers).end(JSON.stringify(body));
    });
  });

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const token = bearerToken(request.headers.authorization);
    const claims = await verifyServiceToken(secrets, token, { audience: WORKER_AUDIENCE });
    const [path = ''] = (request.url ?? '').split('?');
    const [, session_id = null, below = ''] = /^\/sessions\/([^/]+)(.*)$/.exec(path) ?? [];
    if (claims.session_id !== session_id)
      throw new AppError('unauthenticated', 'auth.token_invalid', 'Another session');
    const given: FakeCommand = {
      command: `${request.method}${session_id === null ? ` ${path}` : below && ` ${below}`}`,
      session_id,
      generation: claims.generation,
      body: text === '' ? undefined : (JSON.parse(text) as Record<string, unknown>),
      request_id: request.headers['x-request-id'] as string | undefined,
    };
    commands.push(given);
    if (answer) {
      answer(given, response);
      return;
    }
    const result = session_id === null ? {} : carryOut(given, session_id, claims.generation ?? -1);
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(result));
  }

  function carryOut({ command }: FakeCommand, session_id: string, generation: number): object {
    const lease = held.get(session_id);
    if (command === 'PUT') {
      if (!book.take(session_id, generation, identity)) throw stale();
      held.set(session_id, { generation, status: lease?.status ?? 'connected' });
      return { session_id, generation };
    }
    if (!lease) throw new AppError('not_found', 'worker.session_not_held', 'This worker does not hold this session.');
    if (lease.generation !== generation) throw stale();
    if (['POST /release', 'POST /disconnect', 'POST /logout', 'DELETE'].includes(command)) held.delete(session_id);
    return { session_id, generation };
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const kill = async (): Promise<void> => {
    if (!server.listening) return;
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    worker_id: '',
    identity,
    commands,
    held,
    answer: (how) => void (answer = how),
    kill,
    [Symbol.asyncDispose]: kill,
  };
}

const stale = (): AppError =>
  new AppError('conflict', 'worker.generation_stale', 'This worker holds the session under another generation.');
