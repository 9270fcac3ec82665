import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSealer, type EncryptionKey, SealError } from './seal.ts';

const key = (kid: string): EncryptionKey => ({ kid, key: randomBytes(32) });
const [old_key, new_key] = [key('2025'), key('2026')];

describe('sealing', () => {
  it('opens to the same text, whatever it is', () => {
    const { seal, open } = createSealer([new_key]);
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string(), (text, purpose) => {
        expect(open(seal(text, purpose), purpose)).toBe(text);
      }),
    );
  });

  it('never seals a text the same way twice', () => {
    const { seal } = createSealer([new_key]);
    expect(seal('secret', 'p')).not.toBe(seal('secret', 'p'));
  });

  it('goes on opening what an older key sealed, and seals with the first', () => {
    const sealed = createSealer([old_key]).seal('secret', 'p');
    const rotated = createSealer([new_key, old_key]);
    expect(rotated.open(sealed, 'p')).toBe('secret');
    expect(rotated.seal('secret', 'p')).toMatch(/^v1\.2026\./);
  });

  it('opens for no other purpose', () => {
    const { seal, open } = createSealer([new_key]);
    expect(() => open(seal('secret', 'webhook'), 'invitation')).toThrow(SealError);
  });

  it('does not open with a key that it does not have', () => {
    const sealed = createSealer([old_key]).seal('secret', 'p');
    expect(() => createSealer([new_key]).open(sealed, 'p')).toThrow(SealError);
  });

  it('does not open when anything of it was changed', () => {
    const { seal, open } = createSealer([new_key]);
    const sealed = seal('a secret of some length', 'p');
    for (let i = 0; i < sealed.length - 1; i++) {
      const changed = sealed.slice(0, i) + (sealed[i] === 'A' ? 'B' : 'A') + sealed.slice(i + 1);
      // The last letter of a base64 group can hold bits that mean nothing.
      const same_bytes = changed.split('.').every((part, n) => {
        const [a, b] = [part, sealed.split('.')[n] ?? ''].map((text) => Buffer.from(text, 'base64url').toString('hex'));
        return n < 2 ? part === sealed.split('.')[n] : a === b;
      });
      if (!same_bytes) expect(() => open(changed, 'p'), String(i)).toThrow(SealError);
    }
    expect(() => open('', 'p')).toThrow(SealError);
    expect(() => open('v1.2026', 'p')).toThrow(SealError);
  });

  it('refuses a key of another length', () => {
    expect(() => createSealer([{ kid: 'short', key: randomBytes(16) }])).toThrow(RangeError);
  });
});
