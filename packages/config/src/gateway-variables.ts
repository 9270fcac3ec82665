import { z } from 'zod';
import { commaList, milliseconds } from './values.ts';

const atLeastOne = (items: string[]) => items as [string, ...string[]];

/** With what the services sign the commands that they give each other. */
export const serviceTokenVariables = {
  SERVICE_JWT_SECRETS: commaList
    .refine(
      (secrets) => secrets.length > 0 && secrets.every((secret) => secret.length >= 32),
      'must be secrets of 32 characters or more, comma-separated',
    )
    .transform(atLeastOne)
    .meta({
      description:
        'What services sign commands to each other with (HS256), comma-separated, each of 32 characters or more; the first signs, all verify',
      secret: true,
    }),
};

const isWebhookSecret = (text: string): boolean =>
  /^whsec_[A-Za-z0-9+/]+={0,2}$/.test(text) && Buffer.from(text.slice(6), 'base64').length >= 24;

/** With what WhatsApp workers sign what they tell the API. */
export const workerWebhookVariables = {
  WORKER_WEBHOOK_SECRETS: commaList
    .refine(
      (secrets) => secrets.length > 0 && secrets.every(isWebhookSecret),
      'must be whsec_ and 24 bytes or more in base64, comma-separated',
    )
    .transform(atLeastOne)
    .meta({
      description:
        'Secrets of the webhooks of WhatsApp workers, comma-separated, each whsec_ and 24 bytes or more in base64; workers sign with each, and any verifies',
      secret: true,
    }),
};

/** What the API and the jobs agree on about WhatsApp workers. */
export const workerVariables = {
  WHATSAPP_HEARTBEAT_MS: milliseconds.default(30_000).meta({
    description: 'How often a WhatsApp worker says that it lives; after three missed beats it counts as dead',
  }),
};

/** The partner on WhatsApp, as the API knows it. */
export const partnerVariables = {
  WHATSAPP_PARTNER_SESSION_ID: z.uuid().toLowerCase().optional().meta({
    description:
      'The WhatsApp session to which anybody may link their phone; of any other only members of its workspace',
  }),
};
