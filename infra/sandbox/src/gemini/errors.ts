/** An error as Google's APIs answer it. */
export class ApiError extends Error {
  readonly status: number;
  readonly details: object[];

  constructor(status: number, message: string, details: object[] = []) {
    super(message);
    this.status = status;
    this.details = details;
  }

  body() {
    const { status: code, message, details } = this;
    return { error: { code, message, status: STATUS[code] ?? 'UNKNOWN', ...(details.length > 0 && { details }) } };
  }
}

const STATUS: Record<number, string> = {
  400: 'INVALID_ARGUMENT',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  429: 'RESOURCE_EXHAUSTED',
  500: 'INTERNAL',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
};

const MESSAGES: Record<number, string> = {
  400: 'Request contains an invalid argument.',
  403: 'The caller does not have permission',
  404: 'The model is not found for API version v1beta.',
  500: 'An internal error has occurred. Please retry.',
  503: 'The model is overloaded. Please try again later.',
  504: 'Deadline expired before operation could complete.',
};

const DETAIL = 'type.googleapis.com/google.rpc.';

const quotaFailure = (quotaId: string, quotaValue: string) => ({
  '@type': `${DETAIL}QuotaFailure`,
  violations: [
    {
      quotaMetric: 'generativelanguage.googleapis.com/generate_content_free_tier_requests',
      quotaId,
      quotaDimensions: { location: 'global' },
      quotaValue,
    },
  ],
});

export const failure = (status: number): ApiError => new ApiError(status, MESSAGES[status] ?? `Status ${status}`);

/** Too many in this minute; `retry_ms` as the API says it, in seconds with a fraction. */
export function rateLimited(retry_ms: number): ApiError {
  const delay = `${retry_ms / 1_000}s`;
  return new ApiError(429, `You exceeded your current quota. Please retry in ${delay}.`, [
    quotaFailure('GenerateRequestsPerMinutePerProjectPerModel-FreeTier', '10'),
    { '@type': `${DETAIL}RetryInfo`, retryDelay: delay },
  ]);
}

/** Nothing more today. The API sends a `RetryInfo` here too, which means nothing. */
export const quotaExhausted = (): ApiError =>
  new ApiError(429, 'You exceeded your current quota, please check your plan and billing details.', [
    quotaFailure('GenerateRequestsPerDayPerProjectPerModel-FreeTier', '250'),
    { '@type': `${DETAIL}RetryInfo`, retryDelay: '1s' },
  ]);

export const noKey = (): ApiError =>
  new ApiError(
    403,
    "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other form of API consumer identity to call this API.",
  );

export const wrongKey = (): ApiError =>
  new ApiError(400, 'API key not valid. Please pass a valid API key.', [
    { '@type': `${DETAIL}ErrorInfo`, reason: 'API_KEY_INVALID', domain: 'googleapis.com' },
  ]);

export const invalid = (message: string): ApiError => new ApiError(400, message);
