import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { API_AUDIENCE, type ServiceSecrets, verifyServiceToken } from '@potentia/domain/platform/service-token';
import type { MessageInboundEvent } from '@potentia/domain/whatsapp/worker-events';
import { verifyWebhook } from '@potentia/domain/webhook/rules/signature';

type Mode = 'up' | 'away' | 'silent';

/** What the API would know: each event once, by its id, as the real one counts them. */
export interface RecordingApi extends AsyncDisposable {
  url: string;
  /** `away`: connections are cut. `silent`: it takes what comes, and never says so. */
  mode: Mode;
  /** Of each message that came in, the events that told of its content. */
  told(): Map<string, Set<string>>;
  /** Messages that could be read at a second attempt only. */
  resolved: Set<string>;
}

/** The other end of registration, heartbeats and webhooks, which verifies what a real API verifies. */
export async function startRecordingApi(
  tokens: ServiceSecrets,
  webhook_secrets: readonly [string, ...string[]],
): Promise<RecordingApi> {
  const told = new Map<string, Set<string>>();
  const known = new Map<string, string>();
  const state = { mode: 'up' as Mode, resolved: new Set<string>() };

  const take = (items: { event_id: string; data: MessageInboundEvent }[]): void => {
    for (const { event_id, data } of items) {
      if (data.message?.direction !== 'in' || !['new', 'resolved'].includes(data.change)) continue;
      if (data.message.type === 'undecryptable') continue;
      if (data.change === 'resolved') state.resolved.add(data.message.message_id);
      const events = told.get(data.message.message_id) ?? new Set();
      told.set(data.message.message_id, events.add(event_id));
    }
  };
  const answer = async (request: IncomingMessage): Promise<[number, object]> => {
    const body = await text(request);
    const url = request.url ?? '';
    if (url.startsWith('/api/webhooks/')) {
      const verdict = verifyWebhook({ headers: request.headers, body, secrets: webhook_secrets, now: new Date() });
      if (!verdict.valid) return [401, {}];
      if (url.endsWith('message-inbound')) take((JSON.parse(body) as { items: never[] }).items);
      return [200, {}];
    }
    await verifyServiceToken(tokens, request.headers.authorization?.replace('Bearer ', ''), { audience: API_AUDIENCE });
    if (url.endsWith('/register')) {
      const { name } = JSON.parse(body) as { name: string };
      const worker_id = randomUUID();
      known.set(name, worker_id);
      return [200, { worker_id, heartbeat_ms: 1_000 }];
    }
    const is_known = [...known.values()].some((worker_id) => url.includes(worker_id));
    return is_known ? [200, { ok: true, lost: [] }] : [404, {}];
  };
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (state.mode === 'away') return void request.socket.destroy();
    const [status, body] = await answer(request);
    if (state.mode === 'silent') return;
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.writeHead(401).end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(state, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    told: () => told,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}
