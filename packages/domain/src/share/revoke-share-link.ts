import { revokeShareLink as removeShareLink } from '@potentia/db/share/queries';
import type { z } from 'zod';
import { writeCanvas } from '../canvas/canvas-queue.ts';
import type { UserCtx } from '../platform/ctx.ts';
import { parseInput } from '../platform/parse.ts';
import { shareLinkRef } from './schemas.ts';

/** Ends a link at once. Throws `share_link.not_found`, `canvas.not_found`, `canvas.forbidden` (admins may). */
export async function revokeShareLink(ctx: UserCtx, input: z.input<typeof shareLinkRef>): Promise<void> {
  const ref = parseInput(shareLinkRef, input);
  await writeCanvas(ctx, ref.canvas_id, () =>
    removeShareLink(ctx.db, { user_id: ctx.actor.user_id, ...ref, request_id: ctx.request_id }),
  );
}
