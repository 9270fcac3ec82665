import type { EventRow } from '@potentia/db/canvas/rows';
import { publishEvent } from '../canvas/publish.ts';
import type { Ctx } from '../platform/ctx.ts';
import { publishOutboxHint } from '../platform/outbox.ts';

/** Tells every hub of a change of a comment, and the relay of those who are to be told. Called after the commit. */
export function publishComment(
  ctx: Ctx,
  canvas_id: string,
  { event, notified }: { event: EventRow | null; notified: boolean },
): void {
  if (event) publishEvent(ctx, { canvas_id, ...event });
  if (notified) publishOutboxHint(ctx);
}
