import { listWhatsappUsage } from '@potentia/db/whatsapp/session-queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { type UsageList, usageQuery } from './session-schemas.ts';

/** What the sessions of a workspace sent and received, by day. Throws `workspace.not_found`, `workspace.forbidden` for guests. */
export async function listUsage(ctx: UserCtx, input: z.input<typeof usageQuery>): Promise<UsageList> {
  const query = parseInput(usageQuery, input);
  return { items: await fromDb(() => listWhatsappUsage(ctx.db, { user_id: ctx.actor.user_id, ...query })) };
}
