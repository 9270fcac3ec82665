import { hostname, networkInterfaces } from 'node:os';
import { serviceTokenVariables, workerWebhookVariables } from '@potentia/config/gateway-variables';
import { httpUrl, wholeNumber } from '@potentia/config/values';
import {
  encryptionVariables,
  httpVariables,
  objectVariables,
  postgresVariables,
  redisVariables,
  telemetryVariables,
} from '@potentia/config/variables';
import { parseVersion } from '@potentia/domain/whatsapp/rules/client-version';
import { z } from 'zod';

export const schema = z.object({
  ...httpVariables(4003),
  ...postgresVariables,
  ...redisVariables,
  ...encryptionVariables,
  ...objectVariables,
  ...telemetryVariables,
  ...serviceTokenVariables,
  ...workerWebhookVariables,
  API_URL: httpUrl.meta({
    description: 'The API, where a worker registers and reports',
    example: 'http://127.0.0.1:4000',
  }),
  WORKER_NAME: z.string().min(1).max(128).optional().meta({
    description:
      'Name of this worker; who registers under it takes the place of who had it. Host name and port when not set',
  }),
  WORKER_PUBLIC_URL: httpUrl.optional().meta({
    description:
      'Where the API reaches this very worker; when not set, where it listens, by the first address of this machine if that is any',
    example: 'http://10.0.0.7:4003',
  }),
  WORKER_CAPACITY: wholeNumber(1, 100_000).default(200).meta({ description: 'Sessions that this worker takes' }),
  WHATSAPP_WEB_SOCKET_URL: z
    .url({ protocol: /^wss?$/, error: 'must be a ws:// or wss:// URL' })
    .optional()
    .meta({ description: "Where sessions connect to; WhatsApp's own address when not set" }),
  WHATSAPP_VERSION: z
    .string()
    .refine((text) => parseVersion(text) !== null, 'must be a version such as 2.3000.1043857760')
    .optional()
    .meta({
      description: "Version of WhatsApp's web client that sessions name; the library's own when not set",
      example: '2.3000.1043857760',
    }),
  WHATSAPP_MESSAGES_PER_MINUTE: wholeNumber(1, 100_000)
    .default(60)
    .meta({ description: 'Messages that a session sends in a minute, unless its settings say otherwise' }),
  WHATSAPP_COLD_PER_DAY: wholeNumber(0, 10_000).default(50).meta({
    description: 'New conversations that a session may begin in a UTC day, unless its settings say otherwise',
  }),
  WHATSAPP_WARM_UP_DAYS: wholeNumber(0, 90).default(14).meta({
    description: 'Days after linking in which the budget of a session grows, unless its settings say otherwise',
  }),
  WHATSAPP_MEDIA_MAX_BYTES: wholeNumber(1, 5_000_000_000)
    .default(104_857_600)
    .meta({ description: 'Largest file of a message, in bytes' }),
});

export type WaWorkerConfig = z.output<typeof schema>;

/** The name to register under, of a worker that listens on `url`. */
export const workerName = ({ WORKER_NAME }: Pick<WaWorkerConfig, 'WORKER_NAME'>, url: string): string =>
  WORKER_NAME ?? `${hostname()}:${new URL(url).port}`.slice(0, 128);

/** Where the API reaches a worker that listens on `url`. */
export function workerUrl(
  { HOST, WORKER_PUBLIC_URL }: Pick<WaWorkerConfig, 'HOST' | 'WORKER_PUBLIC_URL'>,
  url: string,
): string {
  if (WORKER_PUBLIC_URL !== undefined) return WORKER_PUBLIC_URL;
  if (HOST !== '0.0.0.0' && HOST !== '::') return url;
  const addresses = Object.values(networkInterfaces()).flatMap((addresses = []) => addresses);
  const outside = addresses.find(({ family, internal }) => family === 'IPv4' && !internal);
  return `http://${outside?.address ?? '127.0.0.1'}:${new URL(url).port}`;
}
