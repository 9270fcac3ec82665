import { randomUUID } from 'node:crypto';

export const REQUEST_ID_HEADER = 'x-request-id';

/** The correlation ids that clients may choose. */
export const ACCEPTED_REQUEST_ID = /^[A-Za-z0-9_-]{8,64}$/;

/** The correlation id of a request: the client's own where it is 8–64 characters of `[A-Za-z0-9_-]`, else a new UUID. */
export function requestId({ headers }: { headers: Record<string, string | string[] | undefined> }): string {
  const given = headers[REQUEST_ID_HEADER];
  return typeof given === 'string' && ACCEPTED_REQUEST_ID.test(given) ? given : randomUUID();
}
