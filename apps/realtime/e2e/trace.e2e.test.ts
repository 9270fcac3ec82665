import { startBackends } from '@potentia/domain/platform/testing/backends';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { spawnService } from '@potentia/config/testing/spawn-service';
import { newId } from '@potentia/domain/platform/uuid';
import { expect, it } from 'vitest';
import { API_KEYS, createText, hubEnv, invite, open, ownedCanvas } from '../src/testing/hub.ts';

const HUB = join(import.meta.dirname, '../src/main.ts');
const API = join(import.meta.dirname, '../../api/src/main.ts');

interface Span {
  service: string;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
}

interface OtlpTraces {
  resourceSpans: Array<{
    resource: { attributes: Array<{ key: string; value: { stringValue?: string } }> };
    scopeSpans: Array<{ spans: Array<Omit<Span, 'service'>> }>;
  }>;
}

/** An OTLP/HTTP collector that keeps what it is sent. */
async function startCollector(): Promise<AsyncDisposable & { url: string; spans: Span[] }> {
  const spans: Span[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      for (const { resource, scopeSpans } of (JSON.parse(body) as OtlpTraces).resourceSpans) {
        const service = resource.attributes.find(({ key }) => key === 'service.name')?.value.stringValue ?? '';
        for (const scope of scopeSpans) spans.push(...scope.spans.map((span) => ({ ...span, service })));
      }
      response.setHeader('content-type', 'application/json').end('{}');
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

it('one trace and one request id run from an HTTP mutation through pub/sub to the other client', async () => {
  await using collector = await startCollector();
  await using backends = await startBackends();
  const env = hubEnv(backends, {
    LOG_LEVEL: 'info',
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_BSP_SCHEDULE_DELAY: '100',
  });
  await using api = await spawnService({ main: API, env: { ...env, ...API_KEYS } });
  await using hub = await spawnService({ main: HUB, env });
  const canvas = await ownedCanvas(backends);
  await using bob = await open(hub, canvas, await invite(backends, canvas));

  const response = await fetch(`${api.url}/api/v1/canvases/${canvas.canvas_id}/mutate`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${canvas.owner.token}`,
      'content-type': 'application/json',
      'x-request-id': 'follow-me-0001',
    },
    body: JSON.stringify({ mutation_id: newId(), ops: [createText('traced')] }),
  });
  expect(response.status).toBe(200);
  expect(response.headers.get('x-request-id')).toBe('follow-me-0001');
  expect(await bob.find('event')).toMatchObject({ request_id: 'follow-me-0001' });

  await expect
    .poll(() => collector.spans.filter(({ name }) => name === 'hub.deliver').length, { timeout: 10_000 })
    .toBe(1);
  const delivery = collector.spans.find(({ name }) => name === 'hub.deliver')!;
  expect(delivery.service).toBe('realtime');
  const trace = (): Span[] => collector.spans.filter(({ traceId }) => traceId === delivery.traceId);
  await expect.poll(() => trace().map(({ service }) => service), { timeout: 10_000 }).toContain('api');
  await expect
    .poll(() => trace().some(({ service, spanId }) => service === 'api' && spanId === delivery.parentSpanId), {
      timeout: 10_000,
    })
    .toBe(true);
});
