import type { z } from 'zod';
import { parseInput } from '../platform/parse.ts';
import { askOwner, audit, type DoorCtx, LIVE_TIMEOUT_MS, part } from './door-ctx.ts';
import { type ChangedParticipants, changeParticipantsInput } from './door-schemas.ts';

/** Adds, removes, promotes or demotes; what became of each. Throws as `updateGroup` does. */
export async function changeParticipants(
  ctx: DoorCtx,
  input: z.input<typeof changeParticipantsInput>,
): Promise<ChangedParticipants> {
  const { session_id, group_id, ...body } = parseInput(changeParticipantsInput, input);
  const path = `/groups/${part(group_id)}/participants`;
  const asked = { method: 'POST', path, body, timeout_ms: LIVE_TIMEOUT_MS } as const;
  const changed = await askOwner<ChangedParticipants>(ctx, session_id, 'member', asked);
  const count = changed.items.filter(({ status }) => status === 'done').length;
  await audit(ctx, session_id, 'whatsapp_group.update', { group_id, participants: { action: body.action, count } });
  return changed;
}
