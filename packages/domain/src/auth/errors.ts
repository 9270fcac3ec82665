import { AppError } from '../platform/errors.ts';

/** Reasons stay out of the message: whoever forges a token learns only that it was refused. `reason` is for our logs. */
export const tokenInvalid = (reason: string): AppError =>
  new AppError('unauthenticated', 'auth.token_invalid', 'The access token is not valid', {}, { cause: reason });

export const tokenMissing = (): AppError =>
  new AppError('unauthenticated', 'auth.token_missing', 'An access token is required');

export const tokenExpired = (): AppError =>
  new AppError('unauthenticated', 'auth.token_expired', 'The access token has expired');

export const keysUnavailable = (retry_after_ms: number, cause?: unknown): AppError =>
  new AppError(
    'unavailable',
    'auth.keys_unavailable',
    'The keys that verify access tokens cannot be fetched right now',
    { retry_after_ms },
    { cause },
  );

export const refreshInvalid = (cause?: unknown): AppError =>
  new AppError(
    'unauthenticated',
    'auth.refresh_invalid',
    'The refresh token is not valid: sign in again',
    {},
    { cause },
  );

export const refreshLimited = (): AppError =>
  new AppError('limit', 'auth.refresh_limited', 'Too many refreshes: try again later', { retry_after_ms: 5_000 });

export const providerUnavailable = (cause?: unknown): AppError =>
  new AppError(
    'unavailable',
    'auth.provider_unavailable',
    'The sign-in service cannot be reached right now',
    { retry_after_ms: 1_000 },
    { cause },
  );
