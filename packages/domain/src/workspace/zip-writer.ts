import { PassThrough, Readable } from 'node:stream';
import { ZipFile } from 'yazl';

export interface ZipWriter {
  /** What goes to the store, as it is made. */
  readonly output: Readable;
  /** Adds a file; resolves when all of it was read, so that one file at a time is open. */
  add(path: string, content: Readable | string, options: { mtime: Date; compress: boolean }): Promise<void>;
  end(): void;
  /** Breaks the output off. */
  fail(error: Error): void;
}

/** Writes a zip as a stream: no more of it is in memory than is on its way. */
export function createZipWriter(): ZipWriter {
  const zip = new ZipFile();
  const output = zip.outputStream.pipe(new PassThrough());
  zip.on('error', (error: Error) => output.destroy(error));
  // Whoever reads the output may give up first, and then nothing reads what is being added.
  let giveUp: (error: Error) => void = () => undefined;
  output.once('close', () => giveUp(new Error('the zip was given up')));
  return {
    output,
    add: (path, content, { mtime, compress }) =>
      new Promise((resolve, reject) => {
        const stream = typeof content === 'string' ? Readable.from([Buffer.from(content)]) : content;
        stream.once('end', resolve);
        stream.once('error', reject);
        giveUp = (error) => {
          stream.destroy();
          reject(error);
        };
        if (output.destroyed) return giveUp(new Error('the zip was given up'));
        zip.addReadStream(stream, path, { mtime, compress, mode: 0o100644 });
      }),
    end: () => zip.end(),
    fail: (error) => void output.destroy(error),
  };
}
