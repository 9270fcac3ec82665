import { expect, test } from 'vitest';
import { createLocalRules } from './adapters/local-rules.ts';
import { beginStep, quotaRefusal } from './ledger.ts';

const limits = { tokens_per_day: 1_000, cost_micros_per_month: null };
const shareOf = (role: Parameters<typeof beginStep>[1]): number =>
  beginStep(createLocalRules(), role, { prompt_tokens: 10, input_hash: null, limits }).share;

test('as a quota runs out the assessor gives way at four fifths, the judge at nine tenths, the answer last', () => {
  expect([shareOf('assess'), shareOf('judge'), shareOf('specialist'), shareOf('embed')]).toEqual([0.8, 0.9, 1, 1]);
});

test('a refusal says until when, in both ways, and never "at once"', () => {
  const now = new Date('2026-03-01T23:59:59.900Z');
  const refusal = quotaRefusal({ reason: 'tokens_per_day', reset_at: '2026-03-02T00:00:00.000Z' }, now);
  expect(refusal).toMatchObject({
    kind: 'limit',
    code: 'usage.quota_exceeded',
    meta: { reason: 'tokens_per_day', reset_at: '2026-03-02T00:00:00.000Z', retry_after_ms: 1_000 },
  });
});
