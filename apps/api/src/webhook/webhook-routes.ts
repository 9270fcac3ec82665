import { createWebhook } from '@potentia/domain/webhook/create-webhook';
import { deleteWebhook } from '@potentia/domain/webhook/delete-webhook';
import { getWebhook } from '@potentia/domain/webhook/get-webhook';
import { listWebhooks } from '@potentia/domain/webhook/list-webhooks';
import { rotateWebhookSecret } from '@potentia/domain/webhook/rotate-webhook-secret';
import {
  createWebhookBody,
  delivery,
  updateWebhookBody,
  webhook,
  webhookList,
  webhookWithSecret,
} from '@potentia/domain/webhook/schemas';
import { testWebhook } from '@potentia/domain/webhook/test-webhook';
import { updateWebhook } from '@potentia/domain/webhook/update-webhook';
import type { ApiContext } from '../context.ts';
import { type App, noContent, operation } from '../platform/openapi.ts';
import { userCtx } from '../platform/request-context.ts';
import { WEBHOOK, webhookPath, WEBHOOKS, webhooksPath } from './paths.ts';

const tags = ['webhooks'];
const asAdmin = { tags, access: { workspace: 'admin' }, scope: 'workspace:admin' } as const;
const problems = [403, 404];

/** Endpoints of a workspace, for its admins. */
export function endpointRoutes(app: App, context: ApiContext): void {
  collectionRoutes(app, context);
  oneRoutes(app, context);
  actionRoutes(app, context);
}

function collectionRoutes(app: App, context: ApiContext): void {
  const createSchema = operation({
    ...asAdmin,
    operationId: 'createWebhook',
    summary: 'Be told of what happens in a workspace',
    description:
      'The answer shows the secret that signs, this once. Messages follow the Standard Webhooks specification.',
    params: webhooksPath,
    body: createWebhookBody,
    ok: { 201: webhookWithSecret },
    problems: [...problems, 409, 422],
  });
  app.post(WEBHOOKS, { schema: createSchema }, async (request, reply) => {
    const input = { ...request.body, ...request.params };
    const { result, replayed } = await createWebhook(userCtx(context, request), input);
    if (replayed) reply.header('idempotency-replayed', 'true');
    reply.code(201).header('cache-control', 'no-store');
    reply.header('location', `${WEBHOOKS.replace(':workspace_id', result.workspace_id)}/${result.id}`);
    return result;
  });

  const listSchema = operation({
    ...asAdmin,
    operationId: 'listWebhooks',
    summary: 'Every webhook of a workspace',
    params: webhooksPath,
    ok: { 200: webhookList },
    problems,
  });
  app.get(WEBHOOKS, { schema: listSchema }, async (request) => ({
    items: await listWebhooks(userCtx(context, request), request.params),
  }));
}

function oneRoutes(app: App, context: ApiContext): void {
  const getSchema = operation({
    ...asAdmin,
    operationId: 'getWebhook',
    summary: 'One webhook, without its secret',
    params: webhookPath,
    ok: { 200: webhook },
    problems,
  });
  app.get(WEBHOOK, { schema: getSchema }, (request) => getWebhook(userCtx(context, request), request.params));

  const updateSchema = operation({
    ...asAdmin,
    operationId: 'updateWebhook',
    summary: 'Change a webhook, enable or disable it',
    params: webhookPath,
    body: updateWebhookBody,
    ok: { 200: webhook },
    problems,
  });
  app.patch(WEBHOOK, { schema: updateSchema }, (request) =>
    updateWebhook(userCtx(context, request), { ...request.body, ...request.params }),
  );

  const deleteSchema = operation({
    ...asAdmin,
    operationId: 'deleteWebhook',
    summary: 'Delete a webhook with its log',
    params: webhookPath,
    ok: { 204: noContent('Deleted; nothing more is sent to it.') },
    problems,
  });
  app.delete(WEBHOOK, { schema: deleteSchema }, async (request, reply) => {
    await deleteWebhook(userCtx(context, request), request.params);
    return reply.code(204).send();
  });
}

function actionRoutes(app: App, context: ApiContext): void {
  const rotateSchema = operation({
    ...asAdmin,
    operationId: 'rotateWebhookSecret',
    summary: 'A new secret, shown this once; the one before signs too for a day',
    params: webhookPath,
    ok: { 200: webhookWithSecret },
    problems: [...problems, 422],
  });
  app.post(`${WEBHOOK}/rotate-secret`, { schema: rotateSchema }, async (request, reply) => {
    const { result, replayed } = await rotateWebhookSecret(userCtx(context, request), request.params);
    if (replayed) reply.header('idempotency-replayed', 'true');
    reply.header('cache-control', 'no-store');
    return result;
  });

  const testSchema = operation({
    ...asAdmin,
    operationId: 'testWebhook',
    summary: 'Send a webhook.test',
    params: webhookPath,
    ok: { 202: delivery },
    problems: [...problems, 409],
  });
  app.post(`${WEBHOOK}/test`, { schema: testSchema }, async (request, reply) => {
    reply.code(202);
    return testWebhook(userCtx(context, request), request.params);
  });
}
