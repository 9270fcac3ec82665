/** The kinds an SQL function can raise; the same words as the domain's error kinds. */
export type DbErrorKind = 'invalid' | 'forbidden' | 'not_found' | 'conflict' | 'precondition' | 'limit';

/** Postgres refused: by one of our functions (`code` is `module.reason`) or by a constraint (`db.*`). */
export class DbError extends Error {
  override readonly name = 'DbError';
  readonly kind: DbErrorKind;
  readonly code: string;
  /** What the function said beside: `op_index`, `pointer`, `current`, … */
  readonly meta: Record<string, unknown>;

  constructor(
    kind: DbErrorKind,
    code: string,
    message: string,
    meta: Record<string, unknown> = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.kind = kind;
    this.code = code;
    this.meta = meta;
  }
}

/** No answer from Postgres in time: unreachable, saturated, shutting down, or a deadlock's victim. Whether a write happened is unknown. */
export class DbUnavailableError extends Error {
  override readonly name = 'DbUnavailableError';
  /** `deadline`, `pool`, or the code of the driver or of Postgres. */
  readonly reason: string;

  constructor(reason: string, options?: ErrorOptions) {
    super(`Postgres is unavailable (${reason})`, options);
    this.reason = reason;
  }
}

const OWN_KINDS: Record<string, DbErrorKind> = {
  PT400: 'invalid',
  PT403: 'forbidden',
  PT404: 'not_found',
  PT409: 'conflict',
  PT412: 'precondition',
  PT429: 'limit',
};

// Values that no column takes: bad syntax, out of range, NUL bytes, too long, null, check constraints.
const INVALID = new Set([
  '22P02',
  '22P05',
  '22021',
  '22003',
  '22007',
  '22008',
  '22009',
  '22023',
  '22001',
  '22026',
  '23502',
  '23514',
  '22030',
]);
const UNAVAILABLE_STATES = new Set(['40001', '40P01', '55P03', '57014', '28P01', '28000', '3D000', '25006']);
const UNAVAILABLE_CLASSES = ['08', '53', '57P', '58'];

interface ServerError extends Error {
  code: string;
  detail?: string;
  hint?: string;
  constraint_name?: string;
}

const hasCode = (error: unknown): error is ServerError =>
  error instanceof Error && 'code' in error && typeof error.code === 'string';

/** The code of a lost or refused connection, as Node or the driver names it; undefined for what the server said. */
export function connectionErrorCode(error: unknown): string | undefined {
  if (!hasCode(error)) return undefined;
  if (/^(CONNECTION_|CONNECT_TIMEOUT|E[A-Z]{3,})/.test(error.code)) return error.code;
  return undefined;
}

function unavailableReason(error: ServerError): string | undefined {
  if (UNAVAILABLE_STATES.has(error.code)) return error.code;
  if (/^[0-9A-Z]{5}$/.test(error.code) && UNAVAILABLE_CLASSES.some((prefix) => error.code.startsWith(prefix)))
    return error.code;
  return connectionErrorCode(error);
}

/** Turns what the driver throws into `DbError` or `DbUnavailableError`; anything else (a bug in SQL) comes back as it is. */
export function mapPostgresError(error: unknown): Error {
  if (!hasCode(error)) return error instanceof Error ? error : new Error(String(error));
  const cause = { cause: error };
  const kind = OWN_KINDS[error.code];
  if (kind) return new DbError(kind, error.message, error.hint ?? error.message, parseDetail(error.detail), cause);
  const reason = unavailableReason(error);
  if (reason) return new DbUnavailableError(reason, cause);
  if (INVALID.has(error.code))
    return new DbError('invalid', 'db.invalid_input', 'A value has the wrong form.', {}, cause);
  if (error.code === '23505') return uniqueViolation(error);
  if (error.code === '23503')
    return new DbError('conflict', 'db.reference', 'Something this refers to is missing or in use.', {}, cause);
  if (error.code === '23P01')
    return new DbError('conflict', 'schedule.booked', 'This calendar is taken at that time.', {}, cause);
  if (error.code === '42501') return new DbError('forbidden', 'db.forbidden', 'This is not allowed.', {}, cause);
  return error;
}

// No detail: it would tell which key exists, perhaps another tenant's.
function uniqueViolation(error: ServerError): DbError {
  return error.constraint_name === 'blocks_sibling_rank'
    ? new DbError('conflict', 'block.gap_moved', 'The place changed meanwhile.', {}, { cause: error })
    : new DbError('conflict', 'db.duplicate', 'It exists already.', {}, { cause: error });
}

function parseDetail(detail: string | undefined): Record<string, unknown> {
  if (!detail) return {};
  try {
    return JSON.parse(detail) as Record<string, unknown>;
  } catch {
    return {};
  }
}
