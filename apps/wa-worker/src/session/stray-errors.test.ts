import { Curve } from '@whiskeysockets/baileys';
import { expect, test } from 'vitest';
import { isOfClient } from './stray-errors.ts';

test('an error is the client’s by where it was made, and ours is not', () => {
  let theirs: unknown;
  try {
    Curve.sharedKey(new Uint8Array(1), new Uint8Array(1));
  } catch (error) {
    theirs = error;
  }
  expect(isOfClient(theirs)).toBe(true);
  expect(isOfClient(Object.assign(new Error('Connection Closed'), { isBoom: true }))).toBe(true);
  for (const ours of [new Error('ours'), new TypeError('ours'), 'text', null, undefined])
    expect(isOfClient(ours)).toBe(false);
});
