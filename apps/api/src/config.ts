import {
  partnerVariables,
  serviceTokenVariables,
  workerVariables,
  workerWebhookVariables,
} from '@potentia/config/gateway-variables';
import { modelVariables } from '@potentia/config/model-variables';
import { bool, jsonList, wholeNumber } from '@potentia/config/values';
import {
  authVariables,
  doorVariables,
  encryptionVariables,
  fileVariables,
  httpVariables,
  objectVariables,
  postgresVariables,
  rateLimit,
  redisVariables,
  telemetryVariables,
  webhookVariables,
} from '@potentia/config/variables';
import { z } from 'zod';

/** One rule of `RATE_LIMITS`. Of the rules that match a request, the one that names most of it decides. */
const rateLimitRule = z.strictObject({
  ...rateLimit,
  method: z.string().toUpperCase().optional(),
  /** The route's pattern, such as `/api/v1/canvases/:canvas_id`. */
  route: z.string().optional(),
});
export type RateLimitRule = z.infer<typeof rateLimitRule>;

/** A person may do much, but less of what keeps a Markdown process, the auth server or a core busy. */
const DEFAULT_RULES: RateLimitRule[] = [
  { limit: 600, window_ms: 60_000 },
  { method: 'POST', route: '/api/v1/canvases/:canvas_id/import', limit: 30, window_ms: 60_000, burst: 5 },
  { method: 'GET', route: '/api/v1/canvases/:canvas_id/export', limit: 30, window_ms: 60_000, burst: 5 },
  { method: 'POST', route: '/api/v1/auth/refresh', limit: 30, window_ms: 60_000 },
  { method: 'GET', route: '/api/v1/search', limit: 240, window_ms: 60_000, burst: 40 },
  {
    method: 'POST',
    route: '/api/v1/whatsapp/sessions/:session_id/messages',
    limit: 3_000,
    window_ms: 60_000,
    burst: 300,
  },
  { method: 'POST', route: '/api/v1/whatsapp/sessions/:session_id/contacts/check', limit: 30, window_ms: 60_000 },
  { method: 'POST', route: '/api/v1/whatsapp/qr-page', limit: 120, window_ms: 60_000 },
  { method: 'POST', route: '/api/v1/canvases/:canvas_id/share-links', limit: 30, window_ms: 60_000, burst: 10 },
];

export const schema = z.object({
  ...httpVariables(4000),
  ...postgresVariables,
  ...redisVariables,
  ...authVariables,
  ...encryptionVariables,
  ...objectVariables,
  ...fileVariables,
  ...telemetryVariables,
  ...doorVariables,
  ...webhookVariables,
  ...modelVariables,
  ...serviceTokenVariables,
  ...workerWebhookVariables,
  ...workerVariables,
  ...partnerVariables,
  RATE_LIMITS: jsonList(rateLimitRule).default(DEFAULT_RULES).meta({
    description: 'JSON list of {tenant?, method?, route?, limit, window_ms, burst?}; the most specific rule wins',
  }),
  ENABLE_DEBUG_ECHO: bool.optional().meta({ description: 'POST /debug/echo; on, except in production, when not set' }),
  WHATSAPP_STREAM_MS: wholeNumber(100, 86_400_000).default(3_600_000).meta({
    description: 'Milliseconds after which GET …/events of a WhatsApp session ends, and its client connects anew',
  }),
  REALTIME_PUBLIC_URL: z
    .url({ protocol: /^(https?|wss?)$/, error: 'must be an http(s) or ws(s) URL' })
    .optional()
    .meta({ description: 'Where clients open WebSockets, for the reference', example: 'wss://realtime.example.com' }),
});

export type ApiConfig = z.output<typeof schema>;
