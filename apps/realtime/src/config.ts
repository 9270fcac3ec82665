import { jsonList, wholeNumber } from '@potentia/config/values';
import {
  doorVariables,
  httpVariables,
  postgresVariables,
  rateLimit,
  redisVariables,
  telemetryVariables,
  tokenVariables,
} from '@potentia/config/variables';
import { z } from 'zod';
import type { SocketLimitRule } from './limits.ts';

const rule = z.strictObject({ ...rateLimit, event: z.string().optional() });

const DEFAULT_RULES: SocketLimitRule[] = [
  { limit: 600, window_ms: 60_000, burst: 100 },
  { event: 'mutate', limit: 1_200, window_ms: 60_000, burst: 400 },
  { event: 'presence', limit: 3_000, window_ms: 60_000, burst: 400 },
];

export const schema = z.object({
  ...httpVariables(4001),
  ...postgresVariables,
  ...redisVariables,
  ...tokenVariables,
  ...telemetryVariables,
  ...doorVariables,
  WS_RATE_LIMITS: jsonList(rule).default(DEFAULT_RULES).meta({
    description:
      'JSON list of {tenant?, event?, limit, window_ms, burst?}; events are connect, invalid and the types of frames',
    example: '[{"event":"mutate","limit":1200,"window_ms":60000,"burst":400}]',
  }),
  WS_PING_INTERVAL_MS: wholeNumber(100, 120_000)
    .default(25_000)
    .meta({ description: 'How often a socket is pinged; one that leaves two pings unanswered is cut' }),
});

export type RealtimeConfig = z.output<typeof schema>;
