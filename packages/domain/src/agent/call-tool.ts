import type { ToolCallInput, ToolCtx, ToolOutcome } from './tool-ctx.ts';

/**
 * Does what a model asks for, as the person and within their access, or keeps it until the person has confirmed it. Whatever is wrong
 * with the request is an answer that the model can act on. Throws AppError `unavailable` alone.
 */
export function callTool(_ctx: ToolCtx, _input: ToolCallInput): Promise<ToolOutcome> {
  return Promise.reject(new Error('not there yet'));
}
