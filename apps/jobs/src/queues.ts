import { CALENDAR_ZONES, checkZones } from '@potentia/domain/calendar/check-zones';
import { CALENDAR_EXTEND, extendHorizon } from '@potentia/domain/calendar/extend-horizon';
import { CALENDAR_FAN_OUT, fanOutCalendar, fanOutCalendarPayload } from '@potentia/domain/calendar/fan-out-calendar';
import {
  CALENDAR_MATERIALISE,
  materialiseSchedule,
  materialiseSchedulePayload,
} from '@potentia/domain/calendar/materialise-schedule';
import { CALENDAR_REMIND, remind, remindPayload } from '@potentia/domain/calendar/remind';
import { CALENDAR_SWEEP, sweepInstances, sweepInstancesPayload } from '@potentia/domain/calendar/sweep-instances';
import { CANVAS_PURGE_TRASH, purgeTrash, purgeTrashPayload } from '@potentia/domain/canvas/purge-trash';
import { CANVAS_THIN_HISTORY, thinHistory, thinHistoryPayload } from '@potentia/domain/canvas/thin-history';
import { ATTACHMENT_SWEEP, sweepAttachments } from '@potentia/domain/canvas/sweep-attachments';
import { CANVAS_REBALANCE, rebalanceRanks, rebalanceRanksPayload } from '@potentia/domain/canvas/rebalance-ranks';
import { forgetRest, forgetRestPayload, MEMORY_FORGET } from '@potentia/domain/chat/forget-everything';
import { CHAT_REEMBED, reembed, reembedPayload } from '@potentia/domain/chat/reembed';
import { deliverMe, deliverMePayload, ME_DELIVER } from '@potentia/domain/platform/deliver-me';
import { CACHE_INVALIDATE, invalidateCache, invalidateCachePayload } from '@potentia/domain/platform/invalidate-cache';
import { forgetRecords, PLATFORM_EXPIRE } from '@potentia/domain/platform/forget-records';
import { exportWorkspace, WORKSPACE_EXPORT } from '@potentia/domain/workspace/run-export';
import { importWorkspace, WORKSPACE_IMPORT } from '@potentia/domain/workspace/run-import';
import { transferPayload } from '@potentia/domain/workspace/transfer-job';
import { MAIL_SEND, sendMail, sendMailPayload } from '@potentia/domain/platform/send-mail';
import { deliverWebhooks, WEBHOOK_DELIVER } from '@potentia/domain/webhook/deliver-webhooks';
import { deliverWebhooksPayload } from '@potentia/domain/webhook/schemas';
import { expireDeliveries, sweepWebhooks, WEBHOOK_SWEEP } from '@potentia/domain/webhook/sweep-webhooks';
import { AGENT_SWEEP, sweepRuns } from '@potentia/domain/agent/sweep-runs';
import { AGENT_ASSESS, assessRun, assessRunPayload } from '@potentia/domain/agent/assess-run';
import { expireToolCalls } from '@potentia/domain/agent/expire-tool-calls';
import { expireApiKeys } from '@potentia/domain/auth/expire-api-keys';
import { expireInvitations } from '@potentia/domain/workspace/expire-invitations';
import { PURGE_WORKSPACES, purgeWorkspaces, purgeWorkspacesPayload } from '@potentia/domain/workspace/purge-workspaces';
import { z } from 'zod';
import { define, type QueueDefinition } from './define-queue.ts';
import { MAIL_TEMPLATES } from './mail-templates.ts';
import { WHATSAPP_QUEUES } from './whatsapp/queues.ts';

/** Every queue of the house. */
export const QUEUES: Record<string, QueueDefinition> = {
  [ME_DELIVER]: define({
    schema: deliverMePayload,
    handle: deliverMe,
    concurrency: 8,
    attempts: 8,
    backoff: { type: 'exponential', delay: 1_000, jitter: 0.5 },
  }),
  [CACHE_INVALIDATE]: define({
    schema: invalidateCachePayload,
    handle: invalidateCache,
    concurrency: 4,
    attempts: 8,
    backoff: { type: 'exponential', delay: 1_000, jitter: 0.5 },
  }),
  // A mail server that is away costs a mail no attempt; one that we fail to make is tried again for some minutes.
  [MAIL_SEND]: define({
    schema: sendMailPayload,
    handle: (ctx, job) => sendMail(ctx, MAIL_TEMPLATES, job),
    concurrency: 5,
    attempts: 8,
    backoff: { type: 'exponential', delay: 2_000, jitter: 0.5 },
  }),
  [PLATFORM_EXPIRE]: define({
    schema: z.object({}),
    handle: async (ctx) => {
      await expireInvitations(ctx);
      await expireApiKeys(ctx);
      await expireToolCalls(ctx);
      await expireDeliveries(ctx);
      await forgetRecords(ctx);
    },
    concurrency: 1,
    attempts: 3,
    backoff: { type: 'exponential', delay: 1_000, jitter: 0.5 },
    pattern: '*/10 * * * *',
  }),
  [CANVAS_PURGE_TRASH]: define({
    schema: purgeTrashPayload,
    handle: purgeTrash,
    concurrency: 1,
    attempts: 3,
    backoff: { type: 'exponential', delay: 1_000, jitter: 0.5 },
    pattern: '17 * * * *',
  }),
  [CANVAS_THIN_HISTORY]: define({
    schema: thinHistoryPayload,
    handle: thinHistory,
    concurrency: 1,
    attempts: 3,
    backoff: { type: 'exponential', delay: 1_000, jitter: 0.5 },
    pattern: '37 3 * * *',
  }),
  // Long, and begun again where a process died: few at a time, so that short jobs keep their connections.
  [WORKSPACE_EXPORT]: define({
    schema: transferPayload,
    handle: exportWorkspace,
    concurrency: 2,
    attempts: 5,
    backoff: { type: 'exponential', delay: 2_000, jitter: 0.5 },
  }),
  [WORKSPACE_IMPORT]: define({
    schema: transferPayload,
    handle: importWorkspace,
    concurrency: 2,
    attempts: 5,
    backoff: { type: 'exponential', delay: 2_000, jitter: 0.5 },
  }),
  [ATTACHMENT_SWEEP]: define({
    schema: z.object({}),
    handle: sweepAttachments,
    concurrency: 1,
    attempts: 3,
    backoff: { type: 'exponential', delay: 10_000, jitter: 0.5 },
    pattern: '23 * * * *',
  }),
  [CANVAS_REBALANCE]: define({
    schema: rebalanceRanksPayload,
    handle: rebalanceRanks,
    concurrency: 4,
    attempts: 5,
    backoff: { type: 'exponential', delay: 1_000, jitter: 0.5 },
  }),
  // A job is with one endpoint and waits for its answers most of the time; a tenant has no more jobs than endpoints.
  [WEBHOOK_DELIVER]: define({
    schema: deliverWebhooksPayload,
    handle: deliverWebhooks,
    concurrency: 128,
    attempts: 8,
    backoff: { type: 'exponential', delay: 1_000, jitter: 0.5 },
  }),
  [WEBHOOK_SWEEP]: define({
    schema: z.object({}),
    handle: sweepWebhooks,
    concurrency: 1,
    attempts: 3,
    backoff: { type: 'exponential', delay: 1_000, jitter: 0.5 },
    pattern: '*/5 * * * *',
  }),
  // What another process works on at the same time is passed over.
  [CALENDAR_REMIND]: define({
    schema: remindPayload,
    handle: remind,
    concurrency: 1,
    attempts: 3,
    backoff: { type: 'exponential', delay: 1_000, jitter: 0.5 },
    pattern: '*/10 * * * * *',
  }),
  // Until they have run views expand on read; none of them holds what an edit waits for.
  [CALENDAR_MATERIALISE]: define({
    schema: materialiseSchedulePayload,
    handle: materialiseSchedule,
    concurrency: 4,
    attempts: 5,
    backoff: { type: 'exponential', delay: 1_000, jitter: 0.5 },
  }),
  [CALENDAR_FAN_OUT]: define({
    schema: fanOutCalendarPayload,
    handle: (ctx, job) => fanOutCalendar(ctx, job),
    concurrency: 2,
    attempts: 5,
    backoff: { type: 'exponential', delay: 1_000, jitter: 0.5 },
  }),
  [CALENDAR_EXTEND]: define({
    schema: z.object({}),
    handle: extendHorizon,
    concurrency: 1,
    attempts: 3,
    backoff: { type: 'exponential', delay: 10_000, jitter: 0.5 },
    pattern: '47 * * * *',
  }),
  // Often, because it does nothing unless a day has passed or a deploy has brought another tz database.
  [CALENDAR_ZONES]: define({
    schema: z.object({}),
    handle: checkZones,
    concurrency: 1,
    attempts: 3,
    backoff: { type: 'exponential', delay: 1_000, jitter: 0.5 },
    pattern: '*/5 * * * *',
  }),
  [CALENDAR_SWEEP]: define({
    schema: sweepInstancesPayload,
    handle: sweepInstances,
    concurrency: 1,
    attempts: 3,
    backoff: { type: 'exponential', delay: 10_000, jitter: 0.5 },
    pattern: '53 4 * * *',
  }),
  // Does nothing once it has looked at all, until another model is configured or a day has passed.
  [CHAT_REEMBED]: define({
    schema: reembedPayload,
    handle: (ctx) => reembed(ctx),
    concurrency: 1,
    attempts: 3,
    backoff: { type: 'exponential', delay: 1_000, jitter: 0.5 },
    pattern: '* * * * *',
  }),
  [AGENT_SWEEP]: define({
    schema: z.object({}),
    handle: sweepRuns,
    concurrency: 1,
    attempts: 3,
    backoff: { type: 'exponential', delay: 1_000, jitter: 0.5 },
    pattern: '11 * * * * *',
  }),
  // As the person whose turn it was. A model that is away costs no attempt.
  [AGENT_ASSESS]: define({
    schema: assessRunPayload,
    handle: ({ person_db: db, ...ctx }, { payload, created_at }) =>
      assessRun(
        { ...ctx, db, actor: { type: 'user', user_id: payload.user_id } },
        { run_id: payload.run_id, asked_at: created_at },
      ),
    concurrency: 8,
    attempts: 5,
    backoff: { type: 'exponential', delay: 1_000, jitter: 0.5 },
  }),
  [MEMORY_FORGET]: define({
    schema: forgetRestPayload,
    handle: ({ person_db: db, ...ctx }, { payload }) =>
      forgetRest({ ...ctx, db, actor: { type: 'user', user_id: payload.user_id } }, payload),
    concurrency: 2,
    attempts: 8,
    backoff: { type: 'exponential', delay: 2_000, jitter: 0.5 },
  }),
  ...WHATSAPP_QUEUES,
  [PURGE_WORKSPACES]: define({
    schema: purgeWorkspacesPayload,
    handle: (ctx) => purgeWorkspaces(ctx),
    concurrency: 1,
    attempts: 3,
    backoff: { type: 'exponential', delay: 1_000, jitter: 0.5 },
    pattern: '43 * * * *',
  }),
};
