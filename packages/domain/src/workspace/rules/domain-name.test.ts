import { describe, expect, it } from 'vitest';
import { asciiDomainName, isDomainName } from './domain-name.ts';

describe('a domain name', () => {
  it.each([
    ['Example.COM', 'example.com'],
    ['münchen.example', 'xn--mnchen-3ya.example'],
    ['mail.example.co.id', 'mail.example.co.id'],
  ])('%s is compared as %s', (text, ascii) => {
    expect(asciiDomainName(text)).toBe(ascii);
    expect(isDomainName(ascii)).toBe(true);
  });

  it.each([
    '',
    'localhost',
    '127.0.0.1',
    '192.168.10.10',
    '0x7f.1',
    'a..b',
    '-a.com',
    'a.com/b',
    'a.com:80',
    'u@a.com',
    '*.a.com',
    'a com',
    'a.c',
  ])('%j is none', (text) => {
    expect(isDomainName(asciiDomainName(text))).toBe(false);
  });
});
