import fc from 'fast-check';
import { expect, test } from 'vitest';
import { splitAmount } from './split-amount.ts';

test('the parts come to the amount, are whole, and differ from their exact share by less than one', () => {
  fc.assert(
    fc.property(fc.nat(1e9), fc.array(fc.nat(1e5), { minLength: 1, maxLength: 100 }), (amount, weights) => {
      const parts = splitAmount(amount, weights);
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      expect(parts.reduce((sum, part) => sum + part, 0)).toBe(amount);
      for (const [n, part] of parts.entries()) {
        const exact = total > 0 ? (amount * (weights[n] ?? 0)) / total : amount / weights.length;
        expect(Number.isInteger(part) && part >= 0).toBe(true);
        expect(Math.abs(part - exact)).toBeLessThan(1.001);
      }
    }),
  );
});
