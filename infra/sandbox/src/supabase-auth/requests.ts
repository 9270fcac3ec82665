import type { FastifyRequest } from 'fastify';
import type { ApiKeys } from './deps.ts';
import { AuthError } from './errors.ts';
import type { SigningKeys } from './keys.ts';
import type { AuthStore, Session, User } from './store.ts';

/** Supabase's gateway in front of GoTrue: every request carries one of the project's API keys. Throws 401. */
export function checkApiKey(request: FastifyRequest, { anon_key, service_role_key }: ApiKeys): void {
  const { apikey } = request.headers;
  if (apikey === anon_key || apikey === service_role_key) return;
  if (apikey === undefined) {
    throw new AuthError(401, 'no_api_key', 'No API key found in request', {
      hint: 'No `apikey` request header or url param was found.',
    });
  }
  throw new AuthError(401, 'invalid_api_key', 'Invalid API key', {
    hint: 'Double check your Supabase `anon` or `service_role` API key.',
  });
}

function bearerOf(request: FastifyRequest): string {
  const token = /^bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (!token) throw new AuthError(401, 'no_authorization', 'This endpoint requires a valid Bearer token');
  return token;
}

/** The signed-in person and their session. Throws what GoTrue answers to a token that is none, or whose session ended. */
export async function requireUser(
  request: FastifyRequest,
  { keys, store }: { keys: SigningKeys; store: AuthStore },
): Promise<{ user: User; session: Session }> {
  const claims = await keys.verify(bearerOf(request));
  if (!claims.sub) throw new AuthError(403, 'bad_jwt', 'invalid claim: missing sub claim');
  const user = store.findUser(claims.sub);
  if (!user) throw new AuthError(403, 'user_not_found', 'User from sub claim in JWT does not exist');
  const session = store.findSession(String(claims.session_id));
  if (session?.user_id !== user.id) {
    throw new AuthError(403, 'session_not_found', 'Session from session_id claim in JWT does not exist');
  }
  return { user, session };
}

/** Only the service role key is an admin. Throws `not_admin`, or `bad_jwt` for what is no token at all. */
export async function requireAdmin(
  request: FastifyRequest,
  keys: SigningKeys,
  { service_role_key }: ApiKeys,
): Promise<void> {
  const bearer = bearerOf(request);
  if (bearer === service_role_key) return;
  await keys.verify(bearer);
  throw new AuthError(403, 'not_admin', 'User not allowed');
}

/** The body's members, each read as the type that it must have; absent and `null` count as not given. */
export function readBody(request: FastifyRequest) {
  const { body } = request;
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new AuthError(400, 'bad_json', 'Could not parse request body as JSON: an object is expected');
  }
  const members = body as Record<string, unknown>;
  const wrong = (name: string, type: string): AuthError =>
    new AuthError(400, 'bad_json', `Could not parse request body as JSON: ${name} must be ${type}`);

  return {
    text(name: string): string | undefined {
      const value = members[name] ?? undefined;
      if (value === undefined || typeof value === 'string') return value;
      throw wrong(name, 'a string');
    },
    flag(name: string): boolean {
      const value = members[name] ?? false;
      if (typeof value === 'boolean') return value;
      throw wrong(name, 'a boolean');
    },
    object(name: string): Record<string, unknown> | undefined {
      const value = members[name] ?? undefined;
      if (value === undefined || (typeof value === 'object' && !Array.isArray(value))) {
        return value as Record<string, unknown> | undefined;
      }
      throw wrong(name, 'an object');
    },
  };
}
