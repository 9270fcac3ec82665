import type { z } from 'zod';
import type { ToolCtx } from './tool-ctx.ts';
import type { ToolCall, toolCallRef } from './tool-schemas.ts';

/**
 * Does what waits for the person's word; once. Access is decided now. What fails is a call whose status is `failed`. Throws
 * `tool.call_not_found`, `tool.call_expired`, `tool.not_waiting`, `tool.in_progress`.
 */
export function confirmToolCall(_ctx: ToolCtx, _input: z.input<typeof toolCallRef>): Promise<ToolCall> {
  return Promise.reject(new Error('not there yet'));
}
