import { getDelivery } from '@potentia/domain/webhook/get-delivery';
import { listDeliveries } from '@potentia/domain/webhook/list-deliveries';
import { redeliver } from '@potentia/domain/webhook/redeliver';
import { delivery, deliveryDetail, deliveryPage, listDeliveriesQuery } from '@potentia/domain/webhook/schemas';
import type { ApiContext } from '../context.ts';
import { type App, operation } from '../platform/openapi.ts';
import { userCtx } from '../platform/request-context.ts';
import { DELIVERIES, DELIVERY, deliveryPath, webhookPath } from './paths.ts';

const tags = ['webhooks'];
const asAdmin = { tags, access: { workspace: 'admin' }, scope: 'workspace:admin' } as const;
const problems = [403, 404];

/** The log of what was sent to an endpoint, for admins of its workspace. */
export function deliveryRoutes(app: App, context: ApiContext): void {
  const listSchema = operation({
    ...asAdmin,
    operationId: 'listWebhookDeliveries',
    summary: 'What was sent to a webhook in the last 30 days, newest first',
    params: webhookPath,
    querystring: listDeliveriesQuery,
    ok: { 200: deliveryPage },
    problems,
  });
  app.get(DELIVERIES, { schema: listSchema }, (request) =>
    listDeliveries(userCtx(context, request), { ...request.query, ...request.params }),
  );

  const getSchema = operation({
    ...asAdmin,
    operationId: 'getWebhookDelivery',
    summary: 'One message, with its payload and how the last answer began',
    params: deliveryPath,
    ok: { 200: deliveryDetail },
    problems,
  });
  app.get(DELIVERY, { schema: getSchema }, (request) => getDelivery(userCtx(context, request), request.params));

  const redeliverSchema = operation({
    ...asAdmin,
    operationId: 'redeliverWebhook',
    summary: 'Send a message again, under the same id',
    params: deliveryPath,
    ok: { 202: delivery },
    problems: [...problems, 409],
  });
  app.post(`${DELIVERY}/redeliver`, { schema: redeliverSchema }, async (request, reply) => {
    reply.code(202);
    return redeliver(userCtx(context, request), request.params);
  });
}
