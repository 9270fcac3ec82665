import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import type { ToolCall, toolCallRef } from './tool-schemas.ts';

/** Leaves undone what waits for the person's word. Twice changes nothing. Throws what `confirmToolCall` does. */
export function declineToolCall(_ctx: UserCtx, _input: z.input<typeof toolCallRef>): Promise<ToolCall> {
  return Promise.reject(new Error('not there yet'));
}
