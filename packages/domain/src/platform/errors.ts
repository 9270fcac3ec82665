export type ErrorKind =
  'invalid' | 'unauthenticated' | 'forbidden' | 'not_found' | 'conflict' | 'precondition' | 'limit' | 'unavailable';

/**
 * One thing wrong with the input: `pointer` is an RFC 6901 JSON pointer into what the verb is given (`/ops/0/parent_id`,
 * `/limit`, `/canvas_id`), wherever the door found it: path, query and body are one input. A header is `/headers/<name>`.
 */
export interface FieldError {
  pointer: string;
  message: string;
}

export interface ErrorMeta {
  errors?: FieldError[];
  /** The row as it stands, for a conflict or a failed precondition. */
  current?: unknown;
  /** Milliseconds until a retry can succeed, for `limit` and `unavailable`. */
  retry_after_ms?: number;
  [key: string]: unknown;
}

/**
 * The one error that verbs throw. Each door maps it: HTTP to RFC 9457, a socket to an error frame or a close code, a job
 * to a retry or a drop, an agent tool to a result. `code` is `module.reason`; `message` may be shown to the caller.
 */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly kind: ErrorKind;
  readonly code: string;
  readonly meta: ErrorMeta;

  constructor(kind: ErrorKind, code: string, message: string, meta: ErrorMeta = {}, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
    this.code = code;
    this.meta = meta;
  }
}
