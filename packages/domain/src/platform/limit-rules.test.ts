import { describe, expect, it } from 'vitest';
import { createRuleFinder } from './limit-rules.ts';

describe('of the rules that match, the one that names most decides', () => {
  it('and a tenant outweighs an event', () => {
    const find = createRuleFinder(
      ['tenant', 'event'],
      [
        { limit: 1 },
        { event: 'mutate', limit: 2 },
        { tenant: 't', limit: 3 },
        { tenant: 't', event: 'mutate', limit: 4 },
      ],
    );
    expect(find({ tenant: 'x', event: 'ping' })?.limit).toBe(1);
    expect(find({ tenant: 'x', event: 'mutate' })?.limit).toBe(2);
    expect(find({ tenant: 't', event: 'ping' })?.limit).toBe(3);
    expect(find({ tenant: 't', event: 'mutate' })?.limit).toBe(4);
  });

  it('two fields outweigh an earlier one', () => {
    const find = createRuleFinder(['a', 'b', 'c'], [{ a: '1' }, { b: '1', c: '1' }, { b: '1' }]);
    expect(find({ a: '1', b: '1', c: '1' })).toEqual({ b: '1', c: '1' });
    expect(find({ a: '1', b: '1', c: '2' })).toEqual({ a: '1' });
  });

  it('and none where none matches', () => {
    const none: { tenant?: string }[] = [];
    expect(createRuleFinder(['tenant'], none)({ tenant: 't' })).toBeUndefined();
    expect(createRuleFinder(['tenant'], [{ tenant: 'x' }])({ tenant: 't' })).toBeUndefined();
  });
});
