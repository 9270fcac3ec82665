import { bearerToken } from '@potentia/domain/auth/bearer-token';
import { requireScope } from '@potentia/domain/auth/require-scope';
import type { Scope } from '@potentia/domain/auth/rules/scopes';
import type { Claims, TokenVerifier } from '@potentia/domain/auth/verify-token';
import type { Db } from '@potentia/db/client';
import { API_AUDIENCE, type ServiceSecrets, verifyServiceToken } from '@potentia/domain/platform/service-token';
import type { FastifyInstance, FastifyRequest } from 'fastify';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** `none`: anyone may call; `service`: services of ours; everything else needs a person's access token or an API key. */
    auth?: 'none' | 'service';
  }
  interface FastifyRequest {
    /** Who calls; null on the routes that anyone may call. */
    claims: Claims | null;
  }
}

/** True for what needs no person: the routes that are public or for services, CORS preflights, and paths that do not exist. */
export const isPublic = (request: FastifyRequest): boolean =>
  request.is404 || request.method === 'OPTIONS' || request.routeOptions.config.auth !== undefined;

/**
 * Verifies the caller's token before anything else is done for them; the person's row is there when a route runs.
 * `ensureUser` makes it on first sight and costs nothing after.
 */
export function authenticate(
  app: FastifyInstance,
  options: {
    verifier: TokenVerifier;
    db: Db;
    ensureUser: (db: Db, claims: Claims) => Promise<unknown>;
    config: { SERVICE_JWT_SECRETS: ServiceSecrets };
    clock: () => Date;
  },
): void {
  // The verifier answers the same object for a token that it has verified before.
  const welcome = new WeakSet<Claims>();
  app.decorateRequest('claims', null);
  app.addHook('onRequest', async (request) => {
    if (request.routeOptions.config.auth === 'service' && request.method !== 'OPTIONS') {
      const checks = { audience: API_AUDIENCE, now: options.clock() };
      await verifyServiceToken(options.config.SERVICE_JWT_SECRETS, bearerToken(request.headers.authorization), checks);
    }
    if (isPublic(request)) return;
    const claims = await options.verifier.verify(bearerToken(request.headers.authorization));
    // Who an API key acts as was made with the key.
    if (claims.api_key === null && !welcome.has(claims)) {
      await options.ensureUser(options.db, claims);
      welcome.add(claims);
    }
    request.claims = claims;
  });
}

/** Refuses the API keys that were not made for what an operation needs. After the limits, which count such requests too. */
export function checkScopes(app: FastifyInstance): void {
  app.addHook('onRequest', (request, _reply, done) => {
    if (request.claims?.api_key) {
      const { 'x-potentia-scope': needed } = (request.routeOptions.schema ?? {}) as { 'x-potentia-scope'?: Scope };
      requireScope(request.claims, needed);
    }
    done();
  });
}
