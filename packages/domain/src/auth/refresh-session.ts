import { z } from 'zod';
import { parseInput } from '../platform/parse.ts';

export const refreshSessionInput = z.strictObject({ refresh_token: z.string().trim().min(1).max(4096) });

/** A person's session as the auth server hands it out. */
export const session = z.object({
  access_token: z.string(),
  refresh_token: z.string(),
  token_type: z.literal('bearer'),
  /** Seconds. */
  expires_in: z.number(),
  /** Seconds since the epoch. */
  expires_at: z.number(),
  user_id: z.uuid(),
});
export type Session = z.infer<typeof session>;

/** The auth server, as far as verbs need it. */
export interface AuthProvider {
  /** Throws `unauthenticated` (`auth.refresh_invalid`), `limit` (`auth.refresh_limited`) or `unavailable` (`auth.provider_unavailable`). */
  refresh(refresh_token: string): Promise<Session>;
}

/**
 * Exchanges a refresh token for a new session; the old token is spent by it. Throws `invalid` and
 * what `AuthProvider.refresh` throws.
 */
export async function refreshSession(ctx: { auth: AuthProvider }, input: unknown): Promise<Session> {
  const { refresh_token } = parseInput(refreshSessionInput, input);
  return ctx.auth.refresh(refresh_token);
}
