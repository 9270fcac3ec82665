import { commandSession, commandSessionPayload, WHATSAPP_COMMAND } from '@potentia/domain/whatsapp/command-session';
import {
  handOverPayload,
  handOverSends,
  sweepSends,
  WHATSAPP_SEND,
  WHATSAPP_SWEEP_SENDS,
} from '@potentia/domain/whatsapp/hand-over-sends';
import { answerChat, answerChatPayload, WHATSAPP_TURN } from '@potentia/domain/whatsapp/answer-chat';
import { sayLine, sayLinePayload, WHATSAPP_SAY } from '@potentia/domain/whatsapp/say-line';
import { sweepTurns, WHATSAPP_SWEEP_TURNS } from '@potentia/domain/whatsapp/sweep-turns';
import { placeSession, placeSessionPayload, WHATSAPP_PLACE } from '@potentia/domain/whatsapp/place-session';
import {
  rebalanceGateway,
  sweepGateway,
  WHATSAPP_REBALANCE,
  WHATSAPP_SWEEP,
} from '@potentia/domain/whatsapp/sweep-gateway';
import { z } from 'zod';
import { define, type QueueDefinition } from '../define-queue.ts';

/** The queues of the WhatsApp gateway, and of the partner on it. */
export const WHATSAPP_QUEUES: Record<string, QueueDefinition> = {
  // Waits for workers most of the time; what cannot be done is left to the sweeper, so that no job waits.
  [WHATSAPP_PLACE]: define({
    schema: placeSessionPayload,
    handle: placeSession,
    concurrency: 32,
    attempts: 5,
    backoff: { type: 'exponential', delay: 1_000, jitter: 0.5 },
  }),
  [WHATSAPP_COMMAND]: define({
    schema: commandSessionPayload,
    handle: commandSession,
    concurrency: 8,
    attempts: 5,
    backoff: { type: 'exponential', delay: 1_000, jitter: 0.5 },
  }),
  // What no worker can take now waits in Postgres for the next look, so that no job waits.
  [WHATSAPP_SEND]: define({
    schema: handOverPayload,
    handle: (ctx, { payload }) => handOverSends(ctx, payload),
    concurrency: 8,
    attempts: 5,
    backoff: { type: 'exponential', delay: 1_000, jitter: 0.5 },
  }),
  [WHATSAPP_SWEEP_SENDS]: define({
    schema: z.object({}),
    handle: sweepSends,
    concurrency: 1,
    attempts: 3,
    backoff: { type: 'exponential', delay: 1_000, jitter: 0.5 },
    pattern: '*/5 * * * * *',
  }),
  // It thinks for most of its time; what is away costs no attempt.
  [WHATSAPP_TURN]: define({
    schema: answerChatPayload,
    handle: (ctx, { payload }) => answerChat(ctx, payload),
    concurrency: 32,
    attempts: 8,
    backoff: { type: 'exponential', delay: 1_000, jitter: 0.5 },
  }),
  [WHATSAPP_SAY]: define({
    schema: sayLinePayload,
    handle: (ctx, { payload }) => sayLine(ctx, payload),
    concurrency: 8,
    attempts: 8,
    backoff: { type: 'exponential', delay: 1_000, jitter: 0.5 },
  }),
  [WHATSAPP_SWEEP_TURNS]: define({
    schema: z.object({}),
    handle: (ctx) => sweepTurns(ctx),
    concurrency: 1,
    attempts: 3,
    backoff: { type: 'exponential', delay: 1_000, jitter: 0.5 },
    pattern: '*/15 * * * * *',
  }),
  [WHATSAPP_SWEEP]: define({
    schema: z.object({}),
    handle: sweepGateway,
    concurrency: 1,
    attempts: 3,
    backoff: { type: 'exponential', delay: 1_000, jitter: 0.5 },
    pattern: '*/10 * * * * *',
  }),
  [WHATSAPP_REBALANCE]: define({
    schema: z.object({}),
    handle: rebalanceGateway,
    concurrency: 1,
    attempts: 3,
    backoff: { type: 'exponential', delay: 1_000, jitter: 0.5 },
    pattern: '31 * * * * *',
  }),
};
