import {
  apiKeyPage,
  apiKeyRef,
  createApiKeyBody,
  createdApiKey,
  listApiKeysQuery,
} from '@potentia/domain/auth/api-key-schemas';
import { createApiKey } from '@potentia/domain/auth/create-api-key';
import { listApiKeys } from '@potentia/domain/auth/list-api-keys';
import { revokeApiKey } from '@potentia/domain/auth/revoke-api-key';
import type { ApiContext } from '../context.ts';
import { type App, noContent, operation } from '../platform/openapi.ts';
import { userCtx } from '../platform/request-context.ts';
import { WORKSPACE, workspacePath } from './paths.ts';

const tags = ['api keys'];
const KEYS = `${WORKSPACE}/api-keys`;

/** API keys: made and shown once, listed, revoked. */
export function apiKeyRoutes(app: App, context: ApiContext): void {
  const createSchema = operation({
    operationId: 'createApiKey',
    tags,
    access: { workspace: 'admin' },
    // Without a scope: what leaks must not outlive its revocation in a key that it made.
    summary: 'Make an API key; the answer is the only one that holds it',
    description: 'It acts as a member of this workspace, or with the scope `workspace:admin` as an admin.',
    params: workspacePath,
    body: createApiKeyBody,
    ok: { 201: createdApiKey },
    problems: [403, 404, 409, 422],
  });
  app.post(KEYS, { schema: createSchema }, async (request, reply) => {
    const input = { ...request.body, ...request.params };
    const { result, replayed } = await createApiKey(userCtx(context, request), input);
    if (replayed) reply.header('idempotency-replayed', 'true');
    return reply.code(201).header('cache-control', 'no-store').send(result);
  });

  const listSchema = operation({
    operationId: 'listApiKeys',
    tags,
    access: { workspace: 'admin' },
    scope: 'workspace:admin',
    summary: 'The API keys, newest first, the revoked too',
    params: workspacePath,
    querystring: listApiKeysQuery,
    ok: { 200: apiKeyPage },
    problems: [403, 404],
  });
  app.get(KEYS, { schema: listSchema }, (request) =>
    listApiKeys(userCtx(context, request), { ...request.query, ...request.params }),
  );

  const revokeSchema = operation({
    operationId: 'revokeApiKey',
    tags,
    access: { workspace: 'admin' },
    scope: 'workspace:admin',
    summary: 'End an API key at once',
    params: apiKeyRef,
    ok: { 204: noContent('Revoked; open sockets are closed.') },
    problems: [403, 404],
  });
  app.delete(`${KEYS}/:api_key_id`, { schema: revokeSchema }, async (request, reply) => {
    await revokeApiKey(userCtx(context, request), request.params);
    return reply.code(204).send();
  });
}
