import { z } from 'zod';
import { safeText } from '../canvas/rules/content.ts';
import { cursor, id, pageLimit, pageOf, timestamp } from '../platform/schemas.ts';

/** Endpoints of one workspace. */
export const MAX_WEBHOOKS = 20;

const url = z.string().min(1).max(2_000).describe('https, without credentials; it must lead to a public address');
const description = safeText(500);
const event_type = z
  .string()
  .max(100)
  .regex(/^[a-z_]{1,40}\.(\*|[a-z_]{1,40})$/, 'An audit action such as member.add, or all of a kind: member.*');
const event_types = z
  .array(event_type)
  .max(50)
  .describe(
    'Actions of the audit log to be told of; `member.*` is every action of members; none: everything that is audited. ' +
      'By name alone: `whatsapp.session`, `whatsapp.message`, `whatsapp.message_status`, or all of them as `whatsapp.*`',
  );

export const webhookStatus = z.enum(['enabled', 'disabled']).meta({ id: 'WebhookStatus' });
export const deliveryStatus = z.enum(['pending', 'delivered', 'failed']).meta({ id: 'WebhookDeliveryStatus' });

// Outputs

const webhookFields = {
  id,
  workspace_id: id,
  url: z.string(),
  description: z.string(),
  event_types: z.array(z.string()),
  status: webhookStatus,
  disabled_reason: z.enum(['manual', 'gone', 'failing', 'creator_left']).nullable(),
  disabled_at: timestamp.nullable(),
  consecutive_failures: z.int().min(0).describe('Failed attempts since the last success'),
  failing_since: timestamp.nullable(),
  previous_secret_expires_at: timestamp.nullable().describe('Until then the secret before signs too'),
  created_by: id,
  created_at: timestamp,
  updated_at: timestamp,
};
export const webhook = z.strictObject(webhookFields).meta({ id: 'Webhook' });
export type Webhook = z.infer<typeof webhook>;

export const webhookWithSecret = z
  .strictObject({ ...webhookFields, secret: z.string().describe('`whsec_…`, shown this once') })
  .meta({ id: 'WebhookWithSecret' });
export type WebhookWithSecret = z.infer<typeof webhookWithSecret>;

export const webhookList = z.strictObject({ items: z.array(webhook) }).meta({ id: 'WebhookList' });

const deliveryFields = {
  id: id.describe('The `webhook-id` of every attempt'),
  webhook_id: id,
  event_type: z.string(),
  status: deliveryStatus,
  attempts: z.int().min(0),
  next_attempt_at: timestamp.nullable(),
  last_attempt_at: timestamp.nullable(),
  last_status: z.int().nullable().describe('The status that the endpoint answered; null: it did not'),
  last_latency_ms: z.int().nullable(),
  last_error: z.string().nullable(),
  created_at: timestamp,
};
export const delivery = z.strictObject(deliveryFields).meta({ id: 'WebhookDelivery' });
export type Delivery = z.infer<typeof delivery>;

export const deliveryDetail = z
  .strictObject({
    ...deliveryFields,
    payload: z.record(z.string(), z.unknown()).describe('What is sent'),
    response_excerpt: z.string().nullable().describe('How the last answer began'),
  })
  .meta({ id: 'WebhookDeliveryDetail' });
export type DeliveryDetail = z.infer<typeof deliveryDetail>;

export const deliveryPage = pageOf(delivery).meta({ id: 'WebhookDeliveryPage' });
export type DeliveryPage = z.infer<typeof deliveryPage>;

// Inputs: bodies of the routes; verbs take them together with the ids of the path.

export const createWebhookBody = z
  .strictObject({ url, description: description.default(''), event_types: event_types.default([]) })
  .meta({ id: 'CreateWebhook' });

export const updateWebhookBody = z
  .strictObject({
    url: url.optional(),
    description: description.optional(),
    event_types: event_types.optional(),
    status: webhookStatus.optional(),
  })
  .refine((body) => Object.keys(body).length > 0, 'Give at least one field')
  .meta({ id: 'UpdateWebhook' });

export const listDeliveriesQuery = z.strictObject({
  status: deliveryStatus.optional(),
  event_type: z.string().min(1).max(100).optional(),
  cursor,
  limit: pageLimit(),
});

const inWorkspace = { workspace_id: id };
const ofWebhook = { ...inWorkspace, webhook_id: id };
export const workspaceRef = z.strictObject(inWorkspace);
export const webhookRef = z.strictObject(ofWebhook);
export const deliveryRef = z.strictObject({ ...ofWebhook, delivery_id: id });
export const createWebhookInput = createWebhookBody.extend(inWorkspace);
export const updateWebhookInput = updateWebhookBody.safeExtend(ofWebhook);
export const listDeliveriesInput = listDeliveriesQuery.extend(ofWebhook);

/** What an outbox row of `webhook.deliver` says: something may be due for this endpoint. */
export const deliverWebhooksPayload = z.object({ workspace_id: id, webhook_id: id });
