import { expect, test } from 'vitest';
import { createBaileysCaches, createBaileysLog } from './baileys-options.ts';

test('sessions share caches and see nothing of each other', async () => {
  const caches = createBaileysCaches();
  const [one, other] = [caches.of('one').userDevicesCache!, caches.of('other').userDevicesCache!];
  await one.set('4915', ['first']);
  await other.set('4915', ['second']);
  expect(await one.get('4915')).toEqual(['first']);
  expect(await caches.of('one').msgRetryCounterCache!.get('4915')).toBeUndefined();
  await one.flushAll();
  expect(await one.get('4915')).toBeUndefined();
  expect(await other.get('4915')).toEqual(['second']);
  await other.del('4915');
  expect(await other.get('4915')).toBeUndefined();
});

test('what the client wants to log is counted and forgotten', () => {
  const counted: string[] = [];
  const log = createBaileysLog((level) => counted.push(level));
  log.child({ secret: 'x' }).warn({ privKey: 'x' }, 'a line');
  log.error('a line');
  for (const level of ['trace', 'debug', 'info'] as const) log[level]({}, 'a line');
  expect(counted).toEqual(['warn', 'error']);
  expect(log.level).toBe('silent');
});
