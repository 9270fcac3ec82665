import { readXml } from './body.ts';
import { malformedXml, S3Error } from './errors.ts';
import type { S3Answer, S3Request } from './call.ts';
import { encode } from './signature.ts';
import type { ObjectFacts } from './store.ts';
import { document, elementsOf, textOf } from './xml.ts';

/** What can be done with a bucket; undefined for what cannot. */
export function bucketOperation(call: S3Request, bucket: string): Promise<S3Answer> | S3Answer | undefined {
  const { method, query, store } = call;
  switch (method) {
    case 'PUT':
      return store.createBucket(bucket).then(() => ({ status: 200, headers: { location: `/${bucket}` } }));
    case 'HEAD':
      store.bucket(bucket);
      return { status: 200 };
    case 'DELETE':
      return store.deleteBucket(bucket).then(() => ({ status: 204 }));
    case 'POST':
      return query.has('delete') ? deleteObjects(call, bucket) : undefined;
    case 'GET':
      if (query.has('uploads')) return listUploads(call, bucket);
      if (query.has('location')) return { status: 200, xml: document('LocationConstraint', {}) };
      return query.get('list-type') === '2' ? listObjects(call, bucket) : undefined;
    default:
      return undefined;
  }
}

function listObjects({ query, store }: S3Request, bucket: string): S3Answer {
  const [prefix, delimiter] = [query.get('prefix') ?? '', query.get('delimiter') ?? ''];
  const max_keys = Math.min(Number(query.get('max-keys') ?? 1000), 1000);
  if (!Number.isInteger(max_keys) || max_keys < 0)
    throw new S3Error('InvalidArgument', 400, 'Argument max-keys must be an integer between 0 and 2147483647');
  const token = query.get('continuation-token');
  const after = token === null ? (query.get('start-after') ?? '') : Buffer.from(token, 'base64url').toString();
  const text = query.get('encoding-type') === 'url' ? encodeKey : (key: string): string => key;

  const contents: ObjectFacts[] = [];
  const folders = new Set<string>();
  let last = '';
  let is_truncated = false;
  for (const facts of store.keys(bucket)) {
    const folder = folderOf(facts.key, prefix, delimiter);
    const is_past =
      Buffer.compare(Buffer.from(facts.key), Buffer.from(after)) <= 0 || (folder && after.startsWith(folder));
    if (!facts.key.startsWith(prefix) || is_past || (folder && folders.has(folder))) continue;
    if (contents.length + folders.size >= max_keys) {
      is_truncated = max_keys > 0;
      break;
    }
    if (folder) folders.add(folder);
    else contents.push(facts);
    last = folder ?? facts.key;
  }
  const fields = {
    Name: bucket,
    Prefix: text(prefix),
    Delimiter: delimiter || undefined,
    KeyCount: contents.length + folders.size,
    MaxKeys: max_keys,
    IsTruncated: is_truncated,
    EncodingType: query.get('encoding-type') ?? undefined,
    NextContinuationToken: is_truncated ? Buffer.from(last).toString('base64url') : undefined,
    Contents: contents.map(({ key, last_modified, etag, size }) => ({
      Key: text(key),
      LastModified: last_modified,
      ETag: etag,
      Size: size,
      StorageClass: 'STANDARD',
    })),
    CommonPrefixes: [...folders].map((folder) => ({ Prefix: text(folder) })),
  };
  return { status: 200, xml: document('ListBucketResult', fields) };
}

const encodeKey = (key: string): string => key.split('/').map(encode).join('/');

/** What keys are folded into: up to the first delimiter behind the prefix. */
function folderOf(key: string, prefix: string, delimiter: string): string | undefined {
  const end = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
  return end < 0 ? undefined : key.slice(0, end + delimiter.length);
}

async function deleteObjects({ request, verified, store }: S3Request, bucket: string): Promise<S3Answer> {
  const xml = await readXml(request, verified);
  const keys = elementsOf(xml, 'Object').map((object) => textOf(object, 'Key'));
  if (keys.length === 0 || keys.length > 1000) throw malformedXml();
  const deleted: { Key: string }[] = [];
  for (const key of keys) {
    if (key === undefined) throw malformedXml();
    await store.delete(bucket, key);
    deleted.push({ Key: key });
  }
  const is_quiet = textOf(xml, 'Quiet') === 'true';
  return { status: 200, xml: document('DeleteResult', { Deleted: is_quiet ? undefined : deleted }) };
}

function listUploads({ store }: S3Request, bucket: string): S3Answer {
  const uploads = [...store.bucket(bucket).uploads.values()].map(({ id, key, initiated }) => ({
    Key: key,
    UploadId: id,
    Initiated: initiated,
  }));
  const fields = { Bucket: bucket, IsTruncated: false, MaxUploads: 1000, Upload: uploads };
  return { status: 200, xml: document('ListMultipartUploadsResult', fields) };
}
