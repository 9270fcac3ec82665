import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { accessDenied, S3Error } from './errors.ts';

/*
 * AWS Signature Version 4, the server's side, written from its specification: it shares no code with any client.
 */

export interface Credentials {
  access_key_id: string;
  secret_access_key: string;
  region: string;
}

/** A request as it came over the wire. */
export interface SignedRequest {
  method: string;
  /** Path and query, still encoded. */
  url: string;
  headers: IncomingHttpHeaders;
}

export interface Verified {
  /** What the signature says of the body: a hash in hex, or one of the words for bodies that are hashed otherwise. */
  payload_hash: string;
  /** What the signatures of chunks go on from. */
  signature: string;
  scope: string;
  /** As in `x-amz-date`. */
  date: string;
  key: Buffer;
  /** The query's parameters that only a signed request may use count as signed. */
  is_presigned: boolean;
}

const MAX_SKEW_MS = 15 * 60_000;
const MAX_EXPIRES_S = 604_800;

export const sha256Hex = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');
export const hmac = (key: string | Buffer, data: string): Buffer => createHmac('sha256', key).update(data).digest();

interface Claim {
  credential: string;
  signed_headers: string[];
  signature: string;
  date: string;
  payload_hash: string;
  expires_s?: number;
}

/** Throws `S3Error` 403 unless the request is signed with these credentials, in time, over what it should be. */
export function verifySignature(request: SignedRequest, credentials: Credentials, now: Date): Verified {
  const { searchParams } = new URL(request.url, 'http://s3');
  const is_presigned = searchParams.has('X-Amz-Signature');
  const claim = is_presigned ? readQuery(searchParams) : readHeader(request.headers);
  const scope = checkCredential(claim, credentials);
  checkTime(claim, now);
  checkCoverage(claim, request.headers);

  const [date = '', region = ''] = scope.split('/');
  const key = hmac(hmac(hmac(hmac(`AWS4${credentials.secret_access_key}`, date), region), 's3'), 'aws4_request');
  const canonical = canonicalRequest(request, claim);
  const signature = hmac(key, ['AWS4-HMAC-SHA256', claim.date, scope, sha256Hex(canonical)].join('\n')).toString('hex');
  if (!sameText(signature, claim.signature)) {
    const message = 'The request signature we calculated does not match the signature you provided.';
    throw new S3Error('SignatureDoesNotMatch', 403, message);
  }
  return { payload_hash: claim.payload_hash, signature, scope, date: claim.date, key, is_presigned };
}

function readQuery(query: URLSearchParams): Claim {
  const get = (name: string): string => query.get(name) ?? '';
  if (get('X-Amz-Algorithm') !== 'AWS4-HMAC-SHA256') throw accessDenied('Only AWS4-HMAC-SHA256 is supported.');
  const expires_s = Number(get('X-Amz-Expires'));
  if (!Number.isInteger(expires_s) || expires_s < 1 || expires_s > MAX_EXPIRES_S)
    throw new S3Error('AuthorizationQueryParametersError', 400, 'X-Amz-Expires must be between 1 and 604800 seconds.');
  return {
    credential: get('X-Amz-Credential'),
    signed_headers: get('X-Amz-SignedHeaders').split(';'),
    signature: get('X-Amz-Signature'),
    date: get('X-Amz-Date'),
    payload_hash: query.get('X-Amz-Content-Sha256') ?? 'UNSIGNED-PAYLOAD',
    expires_s,
  };
}

function readHeader(headers: IncomingHttpHeaders): Claim {
  const { authorization } = headers;
  if (authorization === undefined) throw accessDenied();
  const [, credential, signed_headers, signature] =
    /^AWS4-HMAC-SHA256 +Credential=([^, ]+) *, *SignedHeaders=([^, ]+) *, *Signature=([0-9a-f]{64})$/.exec(
      authorization,
    ) ?? [];
  if (!credential || !signed_headers || !signature)
    throw new S3Error('AuthorizationHeaderMalformed', 400, 'The authorization header is malformed.');
  const payload_hash = headers['x-amz-content-sha256'];
  if (typeof payload_hash !== 'string')
    throw new S3Error('InvalidRequest', 400, 'Missing required header for this request: x-amz-content-sha256');
  return {
    credential,
    signed_headers: signed_headers.split(';'),
    signature,
    date: String(headers['x-amz-date'] ?? ''),
    payload_hash,
  };
}

function checkCredential({ credential, date }: Claim, credentials: Credentials): string {
  const [access_key_id, day, region, service, end] = credential.split('/');
  if (access_key_id !== credentials.access_key_id)
    throw new S3Error('InvalidAccessKeyId', 403, 'The AWS access key Id you provided does not exist in our records.');
  if (day !== date.slice(0, 8) || region !== credentials.region || service !== 's3' || end !== 'aws4_request')
    throw new S3Error('AuthorizationHeaderMalformed', 400, 'The credential is of another day, region or service.');
  return [day, region, service, end].join('/');
}

function checkTime({ date, expires_s }: Claim, now: Date): void {
  const at = Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
  if (Number.isNaN(at)) throw accessDenied('The date of the signature is malformed.');
  const age_ms = now.getTime() - at;
  if (expires_s !== undefined && age_ms > expires_s * 1000) throw accessDenied('Request has expired');
  if (age_ms < -MAX_SKEW_MS || (expires_s === undefined && age_ms > MAX_SKEW_MS))
    throw new S3Error('RequestTimeTooSkewed', 403, 'The difference between the request time and ours is too large.');
}

/** What S3 acts on must be signed: the host, and every header of its own. */
function checkCoverage({ signed_headers }: Claim, headers: IncomingHttpHeaders): void {
  const loose = Object.keys(headers).filter(
    (name) => (name === 'host' || name.startsWith('x-amz-')) && !signed_headers.includes(name),
  );
  if (loose.length > 0)
    throw accessDenied(`There were headers present in the request which were not signed: ${loose.join(', ')}`);
}

function canonicalRequest({ method, url, headers }: SignedRequest, claim: Claim): string {
  const [path = '', query = ''] = url.split('?', 2);
  const header_lines = claim.signed_headers.map((name) => {
    const value = headers[name];
    const text = (Array.isArray(value) ? value.join(',') : (value ?? '')).trim().replace(/ +/g, ' ');
    return `${name}:${text}\n`;
  });
  return [
    method,
    canonicalPath(path),
    canonicalQuery(query),
    header_lines.join(''),
    claim.signed_headers.join(';'),
    claim.payload_hash,
  ].join('\n');
}

/** RFC 3986: everything but the unreserved characters. */
export const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (found) => `%${found.charCodeAt(0).toString(16).toUpperCase()}`);

/** A path of S3 is encoded once, and its dots are not resolved. */
const canonicalPath = (path: string): string =>
  path
    .split('/')
    .map((part) => encode(decode(part)))
    .join('/');

function canonicalQuery(query: string): string {
  return query
    .split('&')
    .filter((pair) => pair !== '' && !pair.startsWith('X-Amz-Signature='))
    .map((pair): [string, string] => {
      const [name = '', value = ''] = pair.split('=', 2);
      return [encode(decode(name)), encode(decode(value))];
    })
    .sort(([a, x], [b, y]) => (a === b ? (x < y ? -1 : 1) : a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}

/** Throws `S3Error` 400 where the percent signs make no UTF-8. */
export function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new S3Error('InvalidURI', 400, "Couldn't parse the specified URI.");
  }
}

const sameText = (a: string, b: string): boolean =>
  a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
