/** Where the bytes of media are: encrypted, as clients upload and download them over HTTPS. */
export interface MediaStore {
  /** `https://host[:port]`, which clients reach. */
  readonly url: string;
  /** Keeps encrypted bytes under the path by which clients ask for them (`/mms/image/…`). */
  put(path: string, bytes: Buffer): void;
  /** Undefined when there is nothing under that path. */
  get(path: string): Buffer | undefined;
}
