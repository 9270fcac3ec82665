import type { Readable } from 'node:stream';

/**
 * Object storage as the verbs see it. Keys are random and never name a tenant; who may have an object is decided in
 * Postgres, and the answer is an address that is signed for one object and a short time.
 * What cannot be reached throws AppError `unavailable` `objects.unavailable`, each call within its deadline.
 */
export interface Objects {
  /** An address to upload to: once, this type, this many bytes. No call. */
  presignPut(upload: { key: string; media_type: string; size: number; expires_s: number }): Promise<SignedUpload>;
  /** An address to download from, as a file of this name and type. No call. */
  presignGet(download: { key: string; name: string; media_type: string; expires_s: number }): Promise<SignedDownload>;
  /** Null: there is no such object. */
  head(key: string): Promise<ObjectFacts | null>;
  /** `range` in bytes, the last one included. Throws AppError `not_found` `objects.not_found`. */
  get(key: string, range?: { start: number; end: number }): Promise<Readable>;
  /** Stores a stream of any length; its bytes. What fails half-way leaves nothing under the key. */
  put(object: { key: string; media_type: string; body: Readable }): Promise<{ size: number }>;
  /** At most 1,000 keys; one that is not there counts as deleted. */
  delete(keys: readonly string[]): Promise<void>;
  /** Keys in their order, after `after`. */
  list(options: { prefix: string; after?: string; limit: number }): Promise<ObjectFacts[]>;
  /** Gives up uploads in parts that were begun before `before` and never ended; how many. */
  abortStaleUploads(options: { before: Date; limit: number }): Promise<number>;
}

export interface ObjectFacts {
  key: string;
  size: number;
  media_type: string;
}

export interface SignedUpload {
  method: 'PUT';
  url: string;
  /** To be sent as they are: they are signed. */
  headers: Record<string, string>;
  expires_at: string;
}

export interface SignedDownload {
  url: string;
  expires_at: string;
}

/** What files may be; see `fileVariables`. */
export interface FileLimits {
  attachment_max_bytes: number;
  /** Media types; one that ends with `*` stands for all that begin so. */
  attachment_types: string[];
  attachment_quota_bytes: number | null;
  transfer_max_bytes: number;
}

/** What verbs of files need of the world. */
export interface FilePorts {
  objects: Objects;
  file_limits: FileLimits;
}
