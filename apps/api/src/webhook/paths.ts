import { deliveryRef, webhookRef, workspaceRef } from '@potentia/domain/webhook/schemas';

export const WEBHOOKS = '/api/v1/workspaces/:workspace_id/webhooks';
export const WEBHOOK = `${WEBHOOKS}/:webhook_id`;
export const DELIVERIES = `${WEBHOOK}/deliveries`;
export const DELIVERY = `${DELIVERIES}/:delivery_id`;

export const webhooksPath = workspaceRef;
export const webhookPath = webhookRef;
export const deliveryPath = deliveryRef;
