import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import type { pendingToolCallInput, ToolCall } from './tool-schemas.ts';

/** The call of a context that waits for the person's word, the newest one; null: none does. */
export function findPendingToolCall(
  _ctx: UserCtx,
  _input: z.input<typeof pendingToolCallInput>,
): Promise<ToolCall | null> {
  return Promise.reject(new Error('not there yet'));
}
