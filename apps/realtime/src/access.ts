import { getCanvasTenant } from '@potentia/db/canvas/queries';
import type { Db } from '@potentia/db/client';
import { bearerToken } from '@potentia/domain/auth/bearer-token';
import { requireScope } from '@potentia/domain/auth/require-scope';
import type { Scope } from '@potentia/domain/auth/rules/scopes';
import type { Claims, TokenVerifier } from '@potentia/domain/auth/verify-token';
import { fromDb } from '@potentia/domain/platform/db-errors';
import { AppError } from '@potentia/domain/platform/errors';
import { invalidField } from '@potentia/domain/platform/parse';
import type { RecentSettings } from '@potentia/domain/workspace/recent-settings';
import type { FastifyRequest } from 'fastify';
import { SUBPROTOCOL } from './frames.ts';
import type { CanvasAddress } from './hub.ts';
import type { SocketLimits } from './limits.ts';
import { id } from '@potentia/domain/platform/schemas';

const BEARER_PROTOCOL = 'bearer.';
/** Names under which clients put tokens into URLs, from where they get into logs and histories. */
const TOKEN_PARAMETERS = ['token', 'access_token', 'jwt', 'authorization', 'bearer', 'api_key', 'apikey', 'key'];

export interface AccessDeps {
  db: Db;
  verifier: TokenVerifier;
  ensureUser(db: Db, user: Claims): Promise<unknown>;
  limits: SocketLimits;
  /** Those of the operator; each workspace can have more. */
  origins: ReadonlySet<string>;
  settings: RecentSettings;
}

const foreignOrigin = (): AppError => new AppError('forbidden', 'ws.origin_forbidden', 'This origin may not connect');

/** The protocols that a client offers in `Sec-WebSocket-Protocol`. */
export function offeredProtocols(header: string | undefined): string[] {
  return (header ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean);
}

/** The token of `Authorization: Bearer …`, or, for browsers, of the offered protocol `bearer.<token>`. */
export function handshakeToken(headers: {
  authorization?: string;
  'sec-websocket-protocol'?: string;
}): string | undefined {
  const { authorization } = headers;
  if (authorization !== undefined) return bearerToken(authorization);
  const offered = offeredProtocols(headers['sec-websocket-protocol']);
  return offered.find((protocol) => protocol.startsWith(BEARER_PROTOCOL))?.slice(BEARER_PROTOCOL.length);
}

/**
 * Decides about a handshake before it is upgraded, so that a refusal is plain HTTP. Throws AppError: not an upgrade, a
 * foreign origin, an unknown protocol, a token in the URL, no valid token, an API key without the scope that is `needed`.
 */
export async function authenticate(
  request: FastifyRequest,
  deps: AccessDeps,
  needed: Scope | undefined,
): Promise<Claims> {
  if (!request.ws) {
    throw new AppError('invalid', 'http.upgrade_required', 'This is a WebSocket endpoint; see docs/protocol.md');
  }
  const { origin } = request.headers;
  // Only browsers send it, and only they can be made to call on behalf of a page that their user did not mean.
  if (origin !== undefined && !deps.origins.has(origin) && !(await deps.settings.knowsOrigin(origin))) {
    throw foreignOrigin();
  }
  const offered = offeredProtocols(request.headers['sec-websocket-protocol']);
  if (offered.length > 0 && !offered.includes(SUBPROTOCOL)) {
    throw new AppError('invalid', 'ws.protocol_unsupported', `The server speaks ${SUBPROTOCOL}`);
  }
  const query = request.query as Record<string, unknown>;
  if (TOKEN_PARAMETERS.some((name) => name in query)) {
    throw new AppError(
      'unauthenticated',
      'auth.token_in_url',
      'A token in the URL is not accepted; send it as a header',
    );
  }
  const claims = await deps.verifier.verify(handshakeToken(request.headers));
  // Who an API key acts as was made with the key.
  if (claims.api_key === null) await deps.ensureUser(deps.db, claims);
  requireScope(claims, needed);
  return claims;
}

/** Finds the canvas of a handshake. Throws `request.invalid`, `canvas.not_found`, `ws.rate_limited`, `ws.origin_forbidden`. */
export async function findCanvas(request: FastifyRequest, claims: Claims, deps: AccessDeps): Promise<CanvasAddress> {
  const parsed = id.safeParse((request.params as { canvas_id: string }).canvas_id);
  if (!parsed.success) {
    throw invalidField('/canvas_id', 'Not a UUID');
  }
  const canvas_id = parsed.data;
  const workspace_id = await fromDb(() => getCanvasTenant(deps.db, { user_id: claims.user_id, canvas_id }));
  // Counted under the person while there is no tenant, so that ids cannot be tried without end.
  await deps.limits.take({ workspace_id, user_id: claims.user_id, ip: request.ip }, 'connect');
  if (workspace_id === null) throw new AppError('not_found', 'canvas.not_found', 'There is no such canvas');
  const { origin } = request.headers;
  if (origin !== undefined && !deps.origins.has(origin)) {
    const { cors_origins } = await deps.settings.of(workspace_id);
    if (!cors_origins.includes(origin)) throw foreignOrigin();
  }
  return { canvas_id, workspace_id };
}
