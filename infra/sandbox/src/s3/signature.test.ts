import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { decodeAwsChunked } from './aws-chunked.ts';
import { hmac, verifySignature, type Verified } from './signature.ts';

/*
 * The examples of Amazon's own description of Signature Version 4 for S3, so that the one who checks and the client under
 * test do not merely agree with each other.
 */

const credentials = {
  access_key_id: 'AKIAIOSFODNN7EXAMPLE',
  secret_access_key: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  region: 'us-east-1',
};
const now = new Date('2013-05-24T00:00:00Z');
const scope = '20130524/us-east-1/s3/aws4_request';
const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const host = 'examplebucket.s3.amazonaws.com';
const authorization = (signed_headers: string, signature: string): string =>
  `AWS4-HMAC-SHA256 Credential=${credentials.access_key_id}/${scope},SignedHeaders=${signed_headers},Signature=${signature}`;

const CASES: [string, Parameters<typeof verifySignature>[0]][] = [
  [
    'a GET with a range',
    {
      method: 'GET',
      url: '/test.txt',
      headers: {
        host,
        range: 'bytes=0-9',
        'x-amz-content-sha256': EMPTY,
        'x-amz-date': '20130524T000000Z',
        authorization: authorization(
          'host;range;x-amz-content-sha256;x-amz-date',
          'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
        ),
      },
    },
  ],
  [
    'a list with parameters',
    {
      method: 'GET',
      url: '/?max-keys=2&prefix=J',
      headers: {
        host,
        'x-amz-content-sha256': EMPTY,
        'x-amz-date': '20130524T000000Z',
        authorization: authorization(
          'host;x-amz-content-sha256;x-amz-date',
          '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
        ),
      },
    },
  ],
  [
    'an address',
    {
      method: 'GET',
      url:
        '/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2F' +
        'aws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host' +
        '&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404',
      headers: { host },
    },
  ],
];

describe.each(CASES)('%s', (_name, request) => {
  it('that is signed as in the book is let in', () => {
    expect(() => verifySignature(request, credentials, now)).not.toThrow();
  });

  it('with anything else in it is not', () => {
    for (const changed of [
      { ...request, method: 'PUT' },
      { ...request, url: request.url.replace(/test|prefix/, 'other') },
      { ...request, headers: { ...request.headers, host: 'other' } },
    ]) {
      if (changed.url === request.url && changed.method === request.method && changed.headers.host === host) continue;
      expect(() => verifySignature(changed, credentials, now)).toThrow(expect.objectContaining({ status: 403 }));
    }
    const loose = { ...request, headers: { ...request.headers, 'x-amz-acl': 'public-read' } };
    expect(() => verifySignature(loose, credentials, now)).toThrow(expect.objectContaining({ code: 'AccessDenied' }));
    const later = new Date(now.getTime() + 86_401_000);
    expect(() => verifySignature(request, credentials, later)).toThrow(expect.objectContaining({ status: 403 }));
  });
});

describe('a body in signed chunks', () => {
  const verified: Verified = {
    payload_hash: 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
    signature: '4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9',
    scope,
    date: '20130524T000000Z',
    key: ['20130524', 'us-east-1', 's3', 'aws4_request'].reduce(
      (key: string | Buffer, part) => hmac(key, part),
      `AWS4${credentials.secret_access_key}`,
    ) as Buffer,
    is_presigned: false,
  };
  const chunk = (length: number, signature: string): string =>
    `${length.toString(16)};chunk-signature=${signature}\r\n${'a'.repeat(length)}\r\n`;
  const body = [
    chunk(65_536, 'ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648'),
    chunk(1_024, '0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497'),
    chunk(0, 'b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9'),
  ].join('');
  /** In pieces of this many bytes, as a network might cut it. */
  const decode = (text: string, piece: number): Promise<Buffer> => {
    const bytes = Buffer.from(text);
    const pieces = Array.from({ length: Math.ceil(bytes.length / piece) }, (_, i) =>
      bytes.subarray(i * piece, (i + 1) * piece),
    );
    const trailers = new Map<string, string>();
    return buffer(
      Readable.from(decodeAwsChunked(Readable.from(pieces), { signed: true, has_trailer: false, verified, trailers })),
    );
  };

  it.each([7, 1_000, 100_000])('comes in pieces of %i bytes as in the book', async (piece) => {
    expect((await decode(body, piece)).equals(Buffer.alloc(66_560, 'a'))).toBe(true);
  });

  it('with one byte changed, or cut off, is refused', async () => {
    await expect(decode(body.replace('\r\na', '\r\nb'), 1_000)).rejects.toMatchObject({
      code: 'SignatureDoesNotMatch',
    });
    await expect(decode(body.slice(0, -100), 1_000)).rejects.toMatchObject({ code: 'IncompleteBody' });
    await expect(decode(body.replace('10000;', 'fffffffff;'), 1_000)).rejects.toMatchObject({ code: 'IncompleteBody' });
  });
});
