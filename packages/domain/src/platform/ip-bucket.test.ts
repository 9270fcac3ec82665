import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createIpBucket, subscriberAddress } from './ip-bucket.ts';

it.each([
  ['203.0.113.7', '203.0.113.7'],
  ['::ffff:203.0.113.7', '203.0.113.7'],
  ['::1', '0:0:0:0::'],
  ['2001:db8::1', '2001:db8:0:0::'],
  ['2001:DB8:0:0:ffff::2', '2001:db8:0:0::'],
  ['2001:0db8:0:7:1:2:3:4', '2001:db8:0:7::'],
  ['::7:1:2:3:4:5', '0:0:7:1::'],
  ['fe80::1%eth0', 'fe80:0:0:0::'],
])('%s is counted as %s', (ip, counted) => {
  expect(subscriberAddress(ip)).toBe(counted);
});

describe('the per-address bucket', () => {
  it('lets two seconds of its rate through at once, then says how long to wait', () => {
    const bucket = createIpBucket({ per_second: 5, clock: () => 0 });
    for (let i = 0; i < 10; i += 1) expect(bucket.take('a')).toBe(0);
    expect(bucket.take('a')).toBe(200);
    expect(bucket.take('b')).toBe(0);
  });

  it('a refused caller who waits as told passes', () => {
    let now = 0;
    const bucket = createIpBucket({ per_second: 3, clock: () => now });
    while (bucket.take('a') === 0);
    now += bucket.take('a');
    expect(bucket.take('a')).toBe(0);
  });

  it('never lets more through than the burst and what was earned since', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 500 }), { maxLength: 200 }), (gaps) => {
        let now = 0;
        let passed = 0;
        const bucket = createIpBucket({ per_second: 10, clock: () => now });
        for (const gap of gaps) {
          now += gap;
          if (bucket.take('a') === 0) passed += 1;
        }
        expect(passed).toBeLessThanOrEqual(20 + now / 100);
      }),
    );
  });

  it('remembers no more addresses than it was told to', () => {
    const bucket = createIpBucket({ per_second: 1, max_ips: 2, clock: () => 0 });
    while (bucket.take('a') === 0);
    bucket.take('b');
    bucket.take('c');
    expect(bucket.take('a')).toBe(0);
  });
});
