import { expect, test } from 'vitest';
import { beginsAnew, isLast, type LoggedEvent, RunLog } from './run-log.ts';

const collect = async (log: RunLog, after = 0, signal = new AbortController().signal): Promise<LoggedEvent[]> => {
  const events: LoggedEvent[] = [];
  for await (const event of log.follow(after, signal)) events.push(event);
  return events;
};
const said = (events: LoggedEvent[]): string =>
  events.flatMap(({ type, json }) => (type === 'delta' ? [(JSON.parse(json) as { text: string }).text] : [])).join('');
const error = { type: 'error', run_id: null, code: 'x.y', detail: '', retry_after_ms: null, reset_at: null } as const;

test('readers get every event in order, whenever they come, from where they are', async () => {
  const log = new RunLog(1, () => undefined);
  const early = collect(log);
  log.emit({ type: 'delta', text: 'one ' });
  log.emit({ type: 'delta', text: 'two ' });
  log.emit({ type: 'delta', text: 'three' });
  log.emit(error);
  const late = collect(log, 1);
  log.close();
  expect(said(await early)).toBe('one two three');
  expect((await early).map(({ index }) => index)).toEqual([1, 2, 3]);
  expect(await late).toEqual((await early).slice(1));
  expect((await early).map(isLast)).toEqual([false, false, true]);
  expect(await collect(log, 3)).toEqual([]);
});

test('the first word goes out at once, those after it together, and nothing after the end', async () => {
  const told: LoggedEvent[] = [];
  const log = new RunLog(1, (event) => told.push(event));
  for (const text of ['a', 'b', 'c']) log.emit({ type: 'delta', text });
  expect(said(told)).toBe('a');
  await expect.poll(() => said(told)).toBe('abc');
  expect(told).toHaveLength(2);
  log.close();
  log.emit({ type: 'delta', text: 'd' });
  expect(said(await collect(log))).toBe('abc');
});

test('the numbers of another attempt lie above those of the one before', async () => {
  const log = new RunLog(3, () => undefined);
  log.emit({ type: 'delta', text: 'anew' });
  log.close();
  const [event] = await collect(log, 1_000_007);
  expect(event?.index).toBe(2_000_001);
  expect(event && beginsAnew(event)).toBe(true);
});

test('a reader that goes is let go', async () => {
  const log = new RunLog(1, () => undefined);
  const reader = new AbortController();
  const reading = collect(log, 0, reader.signal);
  log.emit({ type: 'delta', text: 'one' });
  reader.abort('gone');
  expect((await reading).length).toBeLessThanOrEqual(1);
});
