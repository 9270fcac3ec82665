import { GoogleGenerativeAIFetchError } from '@google/generative-ai';
import { AppError } from '../../platform/errors.ts';
import type { ModelReport } from '../model.ts';

export type FailureCode =
  'timeout' | 'rate_limited' | 'quota_exhausted' | 'unavailable' | 'blocked' | 'refused' | 'cancelled';

/** What one request to the API came to, and what may be done about it. */
export class Failure extends Error {
  readonly code: FailureCode;
  /** The same again may help, after `retry_after_ms` where the API said so. */
  readonly is_transient: boolean;
  /** Another model may help. */
  readonly is_models_own: boolean;
  /** The same again from this model, at once, helps nothing. */
  readonly skips_model: boolean;
  readonly retry_after_ms: number | null;
  /** Of a block. */
  readonly reason: string | null;

  constructor(
    code: FailureCode,
    message: string,
    options: {
      retry_after_ms?: number | null;
      reason?: string;
      is_models_own?: boolean;
      skips_model?: boolean;
      cause?: unknown;
    } = {},
  ) {
    super(message, { cause: options.cause });
    this.code = code;
    this.is_transient = code === 'timeout' || code === 'rate_limited' || code === 'unavailable';
    this.is_models_own = options.is_models_own ?? (this.is_transient || code === 'quota_exhausted');
    this.skips_model = options.skips_model ?? !this.is_transient;
    this.retry_after_ms = options.retry_after_ms ?? null;
    this.reason = options.reason ?? null;
  }
}

const MESSAGES: Record<FailureCode, string> = {
  timeout: 'The language model took too long.',
  rate_limited: 'The language model is asked too often at the moment.',
  quota_exhausted: 'The language model is not available any more today: its quota is used up.',
  unavailable: 'The language model does not answer.',
  blocked: 'The language model refused this.',
  refused: 'The language model does not take this request.',
  cancelled: 'The language model was stopped.',
};

const RETRY_AFTER_MS = 5_000;

/** As the port throws it, with what was used all the same. */
export function portError(failure: Failure, report: ModelReport): AppError {
  const { code, is_transient, retry_after_ms, reason } = failure;
  const kind = code === 'blocked' || code === 'refused' ? 'precondition' : 'unavailable';
  return new AppError(
    kind,
    `model.${code}`,
    MESSAGES[code],
    {
      report,
      ...(is_transient && { retry_after_ms: retry_after_ms ?? RETRY_AFTER_MS }),
      ...(reason !== null && { reason }),
    },
    { cause: failure },
  );
}

/** What the library threw. Whatever has no status is the network, or an answer that broke off. */
export function failureOf(error: unknown): Failure {
  if (error instanceof Failure) return error;
  if (error instanceof GoogleGenerativeAIFetchError) {
    return statusFailure(error.status ?? 0, error.message, error.errorDetails ?? [], error);
  }
  return new Failure('unavailable', (error as Error).message, { cause: error });
}

interface Detail {
  '@type'?: string;
  retryDelay?: string;
  reason?: string;
  violations?: { quotaId?: string }[];
}

/** What a status says, from an answer or from the middle of a stream. */
export function statusFailure(status: number, message: string, details: unknown[], cause?: unknown): Failure {
  const known = details as Detail[];
  if (status === 429) {
    const quotas = known.flatMap(({ violations = [] }) => violations.map(({ quotaId = '' }) => quotaId));
    // The API says `retry in a second` here too; it is not true before midnight in California.
    if (quotas.some((quota) => /per_?day/i.test(quota))) return new Failure('quota_exhausted', message, { cause });
    return new Failure('rate_limited', message, { retry_after_ms: retryDelay(known, message), cause });
  }
  if (status === 504 || status === 408) return new Failure('timeout', message, { cause });
  if (status >= 500) return new Failure('unavailable', message, { retry_after_ms: retryDelay(known, message), cause });
  // A model that there is no more: the request itself is sound.
  return new Failure('refused', message, { is_models_own: status === 404, cause });
}

/** `RetryInfo`, else the same in words; milliseconds. */
function retryDelay(details: Detail[], message: string): number | null {
  const given = details.find(({ retryDelay: delay }) => delay !== undefined)?.retryDelay;
  const seconds = /^([\d.]+)s$/.exec(given ?? '')?.[1] ?? /retry in ([\d.]+)s/i.exec(message)?.[1];
  const ms = Number(seconds) * 1_000;
  return Number.isFinite(ms) ? Math.ceil(ms) : null;
}
