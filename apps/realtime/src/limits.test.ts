import { describe, expect, it } from 'vitest';
import { findRule } from './limits.ts';

describe('findRule', () => {
  const rules = [
    { limit: 1, window_ms: 1 },
    { event: 'mutate', limit: 2, window_ms: 1 },
    { tenant: 't', limit: 3, window_ms: 1 },
    { tenant: 't', event: 'mutate', limit: 4, window_ms: 1 },
  ];

  it('takes the rule that names most, the tenant before the event', () => {
    expect(findRule(rules, 'x', 'ping')?.limit).toBe(1);
    expect(findRule(rules, 'x', 'mutate')?.limit).toBe(2);
    expect(findRule(rules, 't', 'ping')?.limit).toBe(3);
    expect(findRule(rules, 't', 'mutate')?.limit).toBe(4);
    expect(findRule([], 't', 'mutate')).toBeUndefined();
  });
});
