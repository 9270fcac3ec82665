import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { formatSecret, signedHeaders, signWebhook, verifyWebhook } from './signature.ts';

const now = new Date('2026-11-21T10:00:00Z');
const seconds = (offset = 0): number => Math.floor(now.getTime() / 1_000) + offset;
const secret = formatSecret(randomBytes(32));
const other = formatSecret(randomBytes(24));
const body = '{"type":"member.add"}';
const message = { id: 'msg_1', timestamp: seconds(), body };

describe('what we sign', () => {
  it('is signed the same by the specification’s own library, for any body', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 24, maxLength: 64 }),
        fc.uuid(),
        fc.string({ unit: 'binary' }),
        (key, id, text) => {
          const own = formatSecret(key);
          expect(signWebhook({ id, timestamp: seconds(), body: text }, [own])).toBe(
            new Webhook(own).sign(id, now, text),
          );
        },
      ),
    );
  });

  it('passes its verification, with either secret of a rotation', () => {
    const at = new Date();
    const sent = { id: 'msg_2', timestamp: Math.floor(at.getTime() / 1_000), body };
    const headers = signedHeaders(sent, [secret, other]);
    for (const each of [secret, other]) expect(new Webhook(each).verify(body, headers)).toEqual(JSON.parse(body));
    expect(() => new Webhook(formatSecret(randomBytes(32))).verify(body, headers)).toThrow();
  });
});

describe('what we verify', () => {
  const verify = (headers: Record<string, string | undefined>, options: object = {}) =>
    verifyWebhook({ headers, body, secrets: [secret], now, ...options });

  it('is what that library signed', () => {
    const headers = {
      'webhook-id': 'msg_1',
      'webhook-timestamp': String(seconds()),
      'webhook-signature': `v1a,xxxx v1,bm9wZQ== ${new Webhook(secret).sign('msg_1', now, body)}`,
    };
    expect(verify(headers)).toEqual({ valid: true });
    expect(verify(headers, { body: Buffer.from(body) })).toEqual({ valid: true });
    expect(verify(headers, { secrets: [other, secret] })).toEqual({ valid: true });
  });

  it('is refused when anything of it was changed, or signed with another secret', () => {
    const headers = signedHeaders(message, [secret]);
    const mismatch = { valid: false, reason: 'mismatch' };
    expect(verify(headers, { body: `${body} ` })).toEqual(mismatch);
    expect(verify({ ...headers, 'webhook-id': 'msg_2' })).toEqual(mismatch);
    expect(verify({ ...headers, 'webhook-timestamp': String(seconds(1)) })).toEqual(mismatch);
    expect(verify(headers, { secrets: [other] })).toEqual(mismatch);
    expect(verify(headers, { secrets: [] })).toEqual(mismatch);
    expect(verify({ ...headers, 'webhook-signature': 'v1,' })).toEqual(mismatch);
    expect(verify({ ...headers, 'webhook-signature': headers['webhook-signature'].replace('v1,', 'v2,') })).toEqual(
      mismatch,
    );
  });

  it.each([
    [-300, { valid: true }],
    [300, { valid: true }],
    [-301, { valid: false, reason: 'too_old' }],
    [301, { valid: false, reason: 'too_new' }],
  ])('is of five minutes at most: %i s', (offset, verdict) => {
    expect(verify(signedHeaders({ ...message, timestamp: seconds(offset) }, [secret]))).toEqual(verdict);
  });

  it.each(['', 'soon', '1e9', '-5', `${seconds()}.5`, '9'.repeat(20)])('has a whole number as its time: %j', (time) => {
    const headers = { ...signedHeaders(message, [secret]), 'webhook-timestamp': time };
    expect(verify(headers)).toEqual({ valid: false, reason: 'timestamp_invalid' });
  });

  it('needs its three headers', () => {
    for (const name of ['webhook-id', 'webhook-timestamp', 'webhook-signature']) {
      const headers = { ...signedHeaders(message, [secret]), [name]: undefined };
      expect(verify(headers)).toEqual({ valid: false, reason: 'headers_missing' });
    }
  });

  it('is never signed with a secret that anybody can guess', () => {
    for (const weak of ['', 'whsec_', 'whsec_c2hvcnQ=']) {
      expect(() => verify(signedHeaders(message, [secret]), { secrets: [weak] })).toThrow(RangeError);
    }
  });
});
