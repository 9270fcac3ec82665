import { expect, test } from 'vitest';
import { serviceTokenVariables, workerWebhookVariables } from './gateway-variables.ts';
import { GATEWAY_SECRETS } from './testing/gateway-env.ts';

const { SERVICE_JWT_SECRETS } = serviceTokenVariables;
const { WORKER_WEBHOOK_SECRETS } = workerWebhookVariables;
const [a, b] = ['a'.repeat(32), 'b'.repeat(40)];

test('secrets of services are several of 32 characters or more', () => {
  expect(SERVICE_JWT_SECRETS.parse(`${a}, ${b}`)).toEqual([a, b]);
  for (const weak of ['', ',', 'short', `${a},short`])
    expect(SERVICE_JWT_SECRETS.safeParse(weak).success, weak).toBe(false);
});

test('secrets of webhooks are as the specification writes them', () => {
  const secret = GATEWAY_SECRETS.WORKER_WEBHOOK_SECRETS;
  expect(WORKER_WEBHOOK_SECRETS.parse(`${secret},${secret}`)).toEqual([secret, secret]);
  for (const weak of ['', 'whsec_', 'whsec_c2hvcnQ=', secret.replace('whsec_', ''), 'whsec_****'])
    expect(WORKER_WEBHOOK_SECRETS.safeParse(weak).success, weak).toBe(false);
});
