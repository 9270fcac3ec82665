import { expect, it } from 'vitest';
import { hashApiKey, isApiKey, makeApiKey, shownOf } from './api-key-text.ts';

it('a key is one word, no two are alike, and its form is known by its checksum', () => {
  const keys = Array.from({ length: 200 }, makeApiKey);
  expect(new Set(keys).size).toBe(200);
  for (const key of keys) {
    expect(key).toMatch(/^pot_[0-9A-Za-z]{49}$/);
    expect(isApiKey(key)).toBe(true);
    const changed = key.slice(0, 20) + (key[20] === 'a' ? 'b' : 'a') + key.slice(21);
    expect(isApiKey(changed)).toBe(false);
  }
});

it.each(['', 'pot_', 'pot_abc', 'eyJhbGciOi', ` ${makeApiKey()}`, `${makeApiKey()}\n`, makeApiKey().toUpperCase()])(
  '%j is no key',
  (text) => {
    expect(isApiKey(text)).toBe(false);
  },
);

it('what is shown of a key is not enough to guess the rest, and its hash is not the key', () => {
  const key = makeApiKey();
  const { prefix, last_four } = shownOf(key);
  expect(key.startsWith(prefix) && key.endsWith(last_four)).toBe(true);
  expect([prefix.length, last_four.length]).toEqual([8, 4]);
  expect(hashApiKey(key)).toMatch(/^[0-9a-f]{64}$/);
});
