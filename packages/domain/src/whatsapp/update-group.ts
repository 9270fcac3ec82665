import type { z } from 'zod';
import { parseInput } from '../platform/parse.ts';
import { askOwner, audit, type DoorCtx, LIVE_TIMEOUT_MS, part } from './door-ctx.ts';
import { updateGroupInput, type WhatsappGroup } from './door-schemas.ts';

/** Subject and description. Throws `whatsapp.session_not_found`, `whatsapp.group_not_found`, `worker.*`, and what WhatsApp refuses. */
export async function updateGroup(ctx: DoorCtx, input: z.input<typeof updateGroupInput>): Promise<WhatsappGroup> {
  const { session_id, group_id, ...body } = parseInput(updateGroupInput, input);
  const asked = { method: 'PATCH', path: `/groups/${part(group_id)}`, body, timeout_ms: LIVE_TIMEOUT_MS } as const;
  const group = await askOwner<WhatsappGroup>(ctx, session_id, 'member', asked);
  await audit(ctx, session_id, 'whatsapp_group.update', { group_id, changed: Object.keys(body) });
  return group;
}
