import { readContent, readXml } from './body.ts';
import { malformedXml, S3Error } from './errors.ts';
import type { S3Answer, S3Request } from './call.ts';
import { decode } from './signature.ts';
import type { ObjectFacts } from './store.ts';
import { document, elementsOf, textOf } from './xml.ts';

/** Headers of an upload that come back with the object. */
const KEPT = /^(content-type|content-disposition|content-language|cache-control|expires|x-amz-meta-.+)$/;
/** Parameters of a signed GET that say what its answer says of the object. */
const OVERRIDES = [
  'content-type',
  'content-disposition',
  'content-language',
  'content-encoding',
  'cache-control',
  'expires',
];

/** What can be done with an object; undefined for what cannot. */
export function objectOperation(
  call: S3Request,
  bucket: string,
  key: string,
): Promise<S3Answer> | S3Answer | undefined {
  const { method, query } = call;
  if (query.has('uploadId') || query.has('uploads')) return uploadOperation(call, bucket, key);
  switch (method) {
    case 'PUT':
      return call.request.headers['x-amz-copy-source'] ? copy(call, bucket, key) : put(call, bucket, key);
    case 'GET':
    case 'HEAD':
      return get(call, bucket, key);
    case 'DELETE':
      return call.store.delete(bucket, key).then(() => ({ status: 204 }));
    default:
      return undefined;
  }
}

function keptHeaders({ request: { headers } }: S3Request): Record<string, string> {
  const kept = Object.entries(headers).filter(([name]) => KEPT.test(name));
  const encoding = (headers['content-encoding'] ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '' && part !== 'aws-chunked');
  if (encoding.length > 0) kept.push(['content-encoding', encoding.join(',')]);
  return { 'content-type': 'binary/octet-stream', ...(Object.fromEntries(kept) as Record<string, string>) };
}

async function put(call: S3Request, bucket: string, key: string): Promise<S3Answer> {
  const { request, verified, store } = call;
  const none_match = request.headers['if-none-match'];
  if (none_match !== undefined && none_match !== '*')
    throw new S3Error('NotImplemented', 501, 'If-None-Match of an upload must be *.');
  const only_new = none_match === '*';
  const { etag } = await store.put(bucket, key, readContent(request, verified), {
    headers: keptHeaders(call),
    only_new,
  });
  return { status: 200, headers: { etag } };
}

function get({ request, query, method, store }: S3Request, bucket: string, key: string): S3Answer {
  const facts = store.find(bucket, key);
  const headers: Record<string, string> = {
    ...facts.headers,
    etag: facts.etag,
    'last-modified': new Date(facts.last_modified).toUTCString(),
    'accept-ranges': 'bytes',
    ...overrides(query),
  };
  const { 'if-match': match, 'if-none-match': none_match } = request.headers;
  if (match !== undefined && match !== '*' && match !== facts.etag)
    throw new S3Error('PreconditionFailed', 412, 'At least one of the pre-conditions you specified did not hold');
  if (none_match === facts.etag) return { status: 304, headers: { etag: facts.etag } };
  const range = readRange(request.headers.range, facts);
  const length = range ? range.end - range.start + 1 : facts.size;
  headers['content-length'] = String(length);
  if (range) headers['content-range'] = `bytes ${range.start}-${range.end}/${facts.size}`;
  const status = range ? 206 : 200;
  if (method === 'HEAD' || length === 0) return { status, headers };
  return { status, headers, stream: store.read(bucket, key, range) };
}

function overrides(query: URLSearchParams): Record<string, string> {
  const given = OVERRIDES.map((name): [string, string | null] => [name, query.get(`response-${name}`)]);
  return Object.fromEntries(given.filter((pair): pair is [string, string] => pair[1] !== null));
}

/** Undefined: the whole. One range only; S3 takes no more either. */
function readRange(header: string | undefined, { size }: ObjectFacts): { start: number; end: number } | undefined {
  const [, from = '', to = ''] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  if (from === '' && to === '') return undefined;
  const start = from === '' ? Math.max(size - Number(to), 0) : Number(from);
  const end = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1);
  if (start >= size || start > end) throw new S3Error('InvalidRange', 416, 'The requested range is not satisfiable');
  return { start, end };
}

async function copy(call: S3Request, bucket: string, key: string): Promise<S3Answer> {
  const { request, store } = call;
  const source = decode(String(request.headers['x-amz-copy-source'])).replace(/^\//, '').split('?')[0] ?? '';
  const [from_bucket = '', ...from_key] = source.split('/');
  const facts = store.find(from_bucket, from_key.join('/'));
  const is_same = from_bucket === bucket && facts.key === key;
  const replaces = request.headers['x-amz-metadata-directive'] === 'REPLACE';
  if (is_same && !replaces) throw new S3Error('InvalidRequest', 400, 'This copy request changes nothing.');
  const content = facts.size === 0 ? nothing() : (store.read(from_bucket, facts.key) as AsyncIterable<Buffer>);
  const copied = await store.put(bucket, key, content, { headers: replaces ? keptHeaders(call) : facts.headers });
  const xml = document('CopyObjectResult', { LastModified: copied.last_modified, ETag: copied.etag });
  return { status: 200, xml };
}

async function* nothing(): AsyncGenerator<Buffer> {
  // An empty object has no bytes to read.
}

function uploadOperation(call: S3Request, bucket: string, key: string): Promise<S3Answer> | S3Answer | undefined {
  const { method, query, store } = call;
  const id = query.get('uploadId');
  if (id === null) {
    if (method !== 'POST') return undefined;
    const upload = store.startUpload(bucket, key, keptHeaders(call));
    const xml = document('InitiateMultipartUploadResult', { Bucket: bucket, Key: key, UploadId: upload.id });
    return { status: 200, xml };
  }
  const upload = store.upload(bucket, key, id);
  switch (method) {
    case 'PUT':
      return store
        .putPart(upload, partNumber(query), readContent(call.request, call.verified))
        .then((etag) => ({ status: 200, headers: { etag } }));
    case 'POST':
      return complete(call, bucket, upload.id, key);
    case 'DELETE':
      return store.abortUpload(bucket, upload).then(() => ({ status: 204 }));
    case 'GET': {
      const parts = [...upload.parts].map(([number, part]) => ({
        PartNumber: number,
        ETag: part.etag,
        Size: part.size,
      }));
      const fields = { Bucket: bucket, Key: key, UploadId: id, IsTruncated: false, Part: parts };
      return { status: 200, xml: document('ListPartsResult', fields) };
    }
    default:
      return undefined;
  }
}

function partNumber(query: URLSearchParams): number {
  const number = Number(query.get('partNumber'));
  if (!Number.isInteger(number) || number < 1 || number > 10_000)
    throw new S3Error('InvalidArgument', 400, 'Part number must be an integer between 1 and 10000, inclusive');
  return number;
}

async function complete(call: S3Request, bucket: string, id: string, key: string): Promise<S3Answer> {
  const { store } = call;
  const xml = await readXml(call.request, call.verified);
  const parts = elementsOf(xml, 'Part').map((part) => ({
    number: Number(textOf(part, 'PartNumber')),
    etag: `"${(textOf(part, 'ETag') ?? '').replaceAll('"', '')}"`,
  }));
  if (parts.length === 0) throw malformedXml();
  const { etag } = await store.completeUpload(bucket, store.upload(bucket, key, id), parts);
  const fields = { Location: `/${bucket}/${key}`, Bucket: bucket, Key: key, ETag: etag };
  return { status: 200, xml: document('CompleteMultipartUploadResult', fields) };
}
