import { GATEWAY_SECRETS } from '@potentia/config/testing/gateway-env';
import { newId } from '@potentia/domain/platform/uuid';
import { signedHeaders } from '@potentia/domain/webhook/rules/signature';
import type { WorkerEventKind } from '@potentia/domain/whatsapp/worker-events';
import type { Answer, TestApi } from './api.ts';

export interface Signing {
  secrets?: readonly [string, ...string[]];
  /** Seconds by which the time that is signed differs from now. */
  late_s?: number;
  headers?: Record<string, string>;
}

/** The headers under which a worker sends this body. */
export function signWorkerWebhook(
  body: string,
  { secrets, late_s = 0, headers }: Signing = {},
): Record<string, string> {
  const timestamp = Math.floor(Date.now() / 1_000) - late_s;
  return {
    'content-type': 'application/json',
    ...signedHeaders({ id: newId(), timestamp, body }, secrets ?? [GATEWAY_SECRETS.WORKER_WEBHOOK_SECRETS]),
    ...headers,
  };
}

/** Says something to the API as a worker does. */
export function tellApi(api: TestApi, kind: WorkerEventKind, body: unknown, signing: Signing = {}): Promise<Answer> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return api.call(null, 'POST', `/api/webhooks/${kind}`, text, signWorkerWebhook(text, signing));
}
