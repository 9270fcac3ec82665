import { getUsage as selectUsage } from '@potentia/db/agent/ledger-queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { invalidField, parseInput } from '../platform/parse.ts';
import type { UsageLimits } from './ledger.ts';
import { MAX_USAGE_DAYS, type Usage, usageQuery } from './usage-schemas.ts';

const DAY_MS = 86_400_000;
const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 10);

/**
 * What a workspace used, day by day, and how that stands to its quota. For its admins. Throws `workspace.not_found`,
 * `workspace.forbidden`, and `request.invalid` for days that end before they begin or are more than a leap year.
 */
export async function getUsage(
  ctx: UserCtx & { usage_limits: UsageLimits },
  input: z.input<typeof usageQuery>,
): Promise<Usage> {
  const query = parseInput(usageQuery, input);
  const now = ctx.clock().getTime();
  const from = query.from ?? `${dayOf(now).slice(0, 8)}01`;
  const until = query.until ?? dayOf(now + DAY_MS);
  const days = (Date.parse(until) - Date.parse(from)) / DAY_MS;
  if (days <= 0) throw invalidField('/until', 'Not after `from`');
  if (days > MAX_USAGE_DAYS) throw invalidField('/until', `More than ${String(MAX_USAGE_DAYS)} days after \`from\``);
  return fromDb(() =>
    selectUsage<Usage>(ctx.db, {
      ...{ user_id: ctx.actor.user_id, workspace_id: query.workspace_id ?? null, from, until },
      limits: ctx.usage_limits,
    }),
  );
}
