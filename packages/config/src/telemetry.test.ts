import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createLogger } from './logger.ts';
import { currentTraceparent, inSpan, startTelemetry, withTraceparent } from './telemetry.ts';

interface ExportedSpan {
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  status: { code?: number };
}

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const spans: ExportedSpan[] = [];
const collector = createServer((request, response) => {
  void text(request).then((body) => {
    const { resourceSpans } = JSON.parse(body) as { resourceSpans: { scopeSpans: { spans: ExportedSpan[] }[] }[] };
    spans.push(...resourceSpans.flatMap((resource) => resource.scopeSpans).flatMap((scope) => scope.spans));
    response.end('{}');
  });
});

beforeAll(async () => {
  collector.listen(0, '127.0.0.1');
  await once(collector, 'listening');
});
afterAll(() => {
  collector.close();
});

test('without an endpoint nothing is traced and work runs as usual', async () => {
  const { shutdown } = await startTelemetry({ service: 'demo', version: '1' });
  expect(await inSpan('work', {}, () => Promise.resolve(currentTraceparent() ?? 'none'))).toBe('none');
  expect(withTraceparent(traceparent, () => 7)).toBe(7);
  await shutdown();
});

describe('with an endpoint', () => {
  test('a trace goes on from another process, through await, into the log, and to the collector', async () => {
    const endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
    const { shutdown } = await startTelemetry({ service: 'demo', version: '1', endpoint });
    let line = '';
    const log = createLogger({ service: 'demo', level: 'info' }, { write: (text) => (line += text) });

    await withTraceparent(traceparent, () =>
      inSpan('outer', { 'canvas.id': 'c' }, async () => {
        await Promise.resolve();
        log.info('inside');
        await expect(inSpan('inner', {}, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
        expect(currentTraceparent()).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-01$/);
      }),
    );
    withTraceparent('nonsense', () => {
      expect(currentTraceparent()).toBeUndefined();
    });
    await shutdown();

    const [inner, outer] = spans;
    expect(outer).toMatchObject({
      name: 'outer',
      traceId: '0af7651916cd43dd8448eb211c80319c',
      parentSpanId: 'b7ad6b7169203331',
    });
    expect(inner).toMatchObject({ name: 'inner', parentSpanId: outer?.spanId, status: { code: 2 } });
    expect(JSON.parse(line)).toMatchObject({ trace_id: '0af7651916cd43dd8448eb211c80319c' });
  });
});
