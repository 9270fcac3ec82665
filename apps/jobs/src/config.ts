import { serviceTokenVariables, workerVariables } from '@potentia/config/gateway-variables';
import { modelVariables } from '@potentia/config/model-variables';
import { commaList, httpUrl, milliseconds } from '@potentia/config/values';
import {
  encryptionVariables,
  fileVariables,
  httpVariables,
  objectVariables,
  postgresVariables,
  redisVariables,
  telemetryVariables,
  webhookVariables,
} from '@potentia/config/variables';
import { RETRY_DELAYS_MS } from '@potentia/domain/webhook/rules/schedule';
import { z } from 'zod';

export const schema = z.object({
  ...httpVariables(4002),
  ...postgresVariables,
  ...redisVariables,
  ...encryptionVariables,
  ...objectVariables,
  ...fileVariables,
  APP_DATABASE_URL: postgresVariables.DATABASE_URL.meta({
    description: 'Postgres, as app_user: for jobs that act as a person and must be let in like one',
    secret: true,
    example: 'postgres://app_user:…@127.0.0.1:25432/potentia',
  }),
  SMTP_URL: z
    .url({ protocol: /^smtps?$/, error: 'must be a smtp:// or smtps:// URL' })
    .optional()
    .meta({
      description: 'Mail server, with user and password where it wants them; mails wait when not set',
      secret: true,
      example: 'smtp://127.0.0.1:4011',
    }),
  MAIL_FROM: z
    .string()
    .regex(/@[^@\s>]+>?$/, 'must be an address, or `Name <address>`')
    .optional()
    .meta({ description: 'Sender of mails; needed with SMTP_URL', example: 'Potentia <no-reply@example.com>' }),
  APP_URL: httpUrl.optional().meta({
    description: 'Where links in mails lead, such as <APP_URL>/invitations; needed with SMTP_URL',
    example: 'https://app.example.com',
  }),
  ...telemetryVariables,
  ...webhookVariables,
  ...modelVariables,
  ...serviceTokenVariables,
  ...workerVariables,
  WEBHOOK_RETRY_DELAYS_MS: commaList
    .transform((items) => items.map(Number))
    .refine((delays) => delays.length > 0 && delays.every((delay) => Number.isSafeInteger(delay) && delay >= 0), {
      error: 'must be whole numbers, comma-separated',
    })
    .default([...RETRY_DELAYS_MS])
    .meta({ description: 'Milliseconds between the attempts of a webhook; as many attempts as items, and one' }),
  WEBHOOK_TIMEOUT_MS: milliseconds.default(15_000).meta({ description: 'Deadline of one attempt of a webhook' }),
});

export type JobsConfig = z.output<typeof schema>;
