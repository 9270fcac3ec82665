import { expect, test, vi } from 'vitest';
import { lastEventId, type SseEvent, sseStream, wantsEvents } from './sse.ts';

const nothing = { gone: () => undefined, failed: () => null };
async function* events(count: number, told: (n: number) => void = () => undefined): AsyncGenerator<SseEvent> {
  for (let n = 1; n <= count; n += 1) {
    told(n);
    yield { index: n, type: 'delta', json: JSON.stringify({ text: 'x'.repeat(1_000) }) };
  }
}
const textOf = async (stream: AsyncIterable<Buffer>): Promise<string> => {
  let text = '';
  for await (const chunk of stream) text += chunk.toString();
  return text;
};

test('events have id, event and data; what fails on the way is the last one, without a number', async () => {
  async function* broken(): AsyncGenerator<SseEvent> {
    yield { index: 7, type: 'run', json: '{"a":1}' };
    throw new Error('lost');
  }
  const failed = (): SseEvent => ({ index: 0, type: 'error', json: '{}' });
  expect(await textOf(sseStream(broken(), { gone: () => undefined, failed }))).toBe(
    'retry: 2000\n\nid: 7\nevent: run\ndata: {"a":1}\n\nevent: error\ndata: {}\n\n',
  );
});

test('a reader that does not read holds its own source up, at some tens of kilobytes', async () => {
  let taken = 0;
  const stream = sseStream(
    events(10_000, (n) => (taken = n)),
    nothing,
  );
  stream.read(0);
  await expect.poll(() => taken).toBeGreaterThan(50);
  await new Promise((resolve) => setImmediate(resolve));
  expect(taken).toBeLessThan(80);
  expect((await textOf(stream)).match(/^id: /gm)).toHaveLength(10_000);
});

test('silence is broken by a comment, until the reader goes', async () => {
  vi.useFakeTimers();
  const gone = vi.fn();
  async function* silent(): AsyncGenerator<SseEvent> {
    await new Promise(() => undefined);
    yield { index: 1, type: 'run', json: '{}' };
  }
  const stream = sseStream(silent(), { ...nothing, gone });
  let text = '';
  stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await vi.advanceTimersByTimeAsync(31_000);
  expect(text).toBe('retry: 2000\n\n: beat\n\n: beat\n\n');
  stream.destroy();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(gone).toHaveBeenCalledOnce();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

test('what a client asks for, and where it was', () => {
  expect(wantsEvents('text/event-stream')).toBe(true);
  expect(wantsEvents('application/json, Text/Event-Stream;q=0.9')).toBe(true);
  expect(wantsEvents('application/json')).toBe(false);
  expect(wantsEvents(undefined)).toBe(false);
  expect(lastEventId('12')).toBe(12);
  for (const bad of [undefined, '', '-1', '1e9', 'x', ['1', '2']]) expect(lastEventId(bad)).toBe(0);
});
