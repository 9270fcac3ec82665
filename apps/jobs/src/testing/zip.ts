import { buffer } from 'node:stream/consumers';
import { fromBufferPromise } from 'yauzl';
import { ZipFile } from 'yazl';

export interface ZipEntry {
  path: string;
  body: Buffer | string;
}

/** A zip of these files; with `renamed`, the first has that name, which no library would write. */
export async function makeZip(entries: ZipEntry[], renamed?: string): Promise<Buffer> {
  const zip = new ZipFile();
  for (const { path, body } of entries) zip.addBuffer(Buffer.from(body), path);
  zip.end();
  const bytes = await buffer(zip.outputStream);
  const [first] = entries;
  if (renamed === undefined || !first) return bytes;
  return Buffer.from(bytes.toString('latin1').replaceAll(first.path, renamed), 'latin1');
}

/** The files of a zip, by path. */
export async function readZip(bytes: Buffer): Promise<Map<string, Buffer>> {
  const zip = await fromBufferPromise(bytes, { lazyEntries: true });
  const files = new Map<string, Buffer>();
  for await (const entry of zip.eachEntry()) {
    files.set(entry.fileName, await buffer(await zip.openReadStreamPromise(entry)));
  }
  return files;
}
