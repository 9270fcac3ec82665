import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { API_AUDIENCE, verifyServiceToken, type ServiceSecrets } from '@potentia/domain/platform/service-token';

export interface Beat {
  worker_id: string;
  status: string;
  sessions: number;
  load: Record<string, number>;
  held: { session_id: string; generation: number; status: string }[];
}

/** The other end of registration: what workers say, and what they are told. */
export interface TestApi extends AsyncDisposable {
  url: string;
  registered: { worker_id: string; name: string; url: string; capacity: number }[];
  beats: Beat[];
  /** Sessions that the next beat is told are another worker's. */
  lost: string[];
  /** It answers as if it had never heard of any worker. */
  forget(): void;
  is_away: boolean;
}

/** An API that knows workers and nothing else. Throws away what is not signed for it. */
export async function startApi(secrets: ServiceSecrets, heartbeat_ms = 100): Promise<TestApi> {
  const known = new Map<string, string>();
  const api: Omit<TestApi, 'url' | typeof Symbol.asyncDispose> = {
    registered: [],
    beats: [],
    lost: [],
    is_away: false,
    forget: () => known.clear(),
  };
  const answer = async (request: IncomingMessage): Promise<[number, object]> => {
    const token = request.headers.authorization?.replace('Bearer ', '');
    await verifyServiceToken(secrets, token, { audience: API_AUDIENCE });
    const body = JSON.parse(await text(request)) as never;
    if (request.url === '/api/admin/workers/register') {
      const { name } = body as TestApi['registered'][number];
      const worker_id = [...known].find(([, known_name]) => known_name === name)?.[0] ?? randomUUID();
      known.set(worker_id, name);
      api.registered.push({ ...(body as TestApi['registered'][number]), worker_id });
      return [200, { worker_id, heartbeat_ms }];
    }
    const worker_id = /^\/api\/admin\/workers\/([^/]+)\/heartbeat$/.exec(request.url ?? '')?.[1] ?? '';
    if (!known.has(worker_id)) return [404, { code: 'worker.unknown' }];
    api.beats.push({ ...(body as Beat), worker_id });
    return [200, { ok: true, lost: api.lost.splice(0) }];
  };
  const server = createServer((request, response) => {
    if (api.is_away) return void response.socket?.destroy();
    answer(request).then(
      ([status, body]) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body)),
      () => response.writeHead(401).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(api, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}
