import { expect, it } from 'vitest';
import { normalAddress } from './address.ts';

it.each([
  ['Ada@Example.COM', 'ada@example.com'],
  ['ada+tag@sub.example.co.id', 'ada+tag@sub.example.co.id'],
  ["o'brien.x_y@example.com", "o'brien.x_y@example.com"],
  ['ada@München.example', 'ada@xn--mnchen-3ya.example'],
  ['ada@ＥＸＡＭＰＬＥ.com', 'ada@example.com'],
])('%s is kept as %s', (text, address) => {
  expect(normalAddress(text)).toBe(address);
});

it.each([
  'ada',
  '@example.com',
  'ada@',
  'ada@localhost',
  'ada@127.0.0.1',
  'ada@[127.0.0.1]',
  'ada@example.com:25',
  'ada@example.com/x',
  'ada@example.com?x',
  'ada@ex ample.com',
  'ada eve@example.com',
  'ada@example.com\n',
  'ada@example.com, eve@example.com',
  'ada@eve@example.com',
  '<ada@example.com>',
  '"ada"@example.com',
  '.ada@example.com',
  'ada..b@example.com',
  'ada\0@example.com',
  'ädä@example.com',
  `${'a'.repeat(65)}@example.com`,
])('%j is no address', (text) => {
  expect(normalAddress(text)).toBeUndefined();
});
