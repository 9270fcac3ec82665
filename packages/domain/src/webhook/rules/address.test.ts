import { describe, expect, it } from 'vitest';
import { isAllowedAddress, isNetwork } from './address.ts';

describe('an address that a customer may name', () => {
  it.each(['93.184.216.34', '8.8.8.8', '2606:2800:220:1:248:1893:25c8:1946', '::ffff:8.8.8.8', '64:ff9b::808:808'])(
    'is public: %s',
    (address) => {
      expect(isAllowedAddress(address, [])).toBe(true);
    },
  );

  it.each([
    ...['127.0.0.1', '127.255.255.254', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1', '0:0:0:0:0:ffff:7f00:0001'],
    ...['0.0.0.0', '0.1.2.3', '::', '::ffff:0.0.0.0', '::127.0.0.1', '::7f00:1'],
    ...['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', '::ffff:10.0.0.1', 'fd00::1', 'fc00::1'],
    ...['169.254.169.254', '::ffff:169.254.169.254', 'fe80::1', 'fe80::1%eth0', 'fd00:ec2::254', '168.63.129.16'],
    ...['100.64.0.1', '100.100.100.200', '192.0.0.192', '198.18.0.1', '192.0.2.1', '203.0.113.7', '240.0.0.1'],
    ...['224.0.0.1', '255.255.255.255', 'ff02::1', 'fec0::1', '100::1', '2001:db8::1', '3fff::1'],
    ...['64:ff9b::7f00:1', '64:ff9b::a00:1', '64:ff9b::a9fe:a9fe', '64:ff9b:1::a00:1'],
    ...['2002:7f00:1::', '2002:a00:1::1', '2002:808:808::1', '2001:0:808:808::1', '::ffff:0:127.0.0.1'],
    ...['4000::1', '5f00::1', 'c000::1'],
  ])('is not inside of anything: %s', (address) => {
    expect(isAllowedAddress(address, [])).toBe(false);
  });

  it.each([
    '',
    'localhost',
    'example.com',
    '1.2.3',
    '127.1',
    '256.1.1.1',
    '08.8.8.8',
    '0x8.8.8.8',
    '134744072',
    '1.2.3.4/8',
    '[::1]',
    ' 8.8.8.8',
    'x',
  ])('is an address: %j', (text) => {
    expect(isAllowedAddress(text, [])).toBe(false);
  });
});

describe('networks that are allowed beside', () => {
  it('let in what is inside of them, in whatever form, and nothing else', () => {
    const allowed = ['127.0.0.0/8', '::1/128', 'fd12::/16'];
    for (const address of ['127.0.0.1', '::ffff:127.9.9.9', '::1', 'fd12::5'])
      expect(isAllowedAddress(address, allowed), address).toBe(true);
    for (const address of ['10.0.0.1', '169.254.169.254', 'fd13::5', '::2'])
      expect(isAllowedAddress(address, allowed), address).toBe(false);
  });

  it('are written as networks', () => {
    expect(['10.0.0.0/8', 'fd00::/8'].every(isNetwork)).toBe(true);
    expect(['10.0.0.0', '10.0.0.0/33', 'x/8', ''].some(isNetwork)).toBe(false);
  });
});
