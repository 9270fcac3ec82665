import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { parseInput } from '../platform/parse.ts';
import type { Memory } from './memory-schemas.ts';
import { forgetInput } from './memory-schemas.ts';

/**
 * Forgets one memory, those that hold all the words of a query, or what was taken from what the person said last in a
 * context; with what each had superseded, for good. Answers what it was. Throws `memory.not_found`, and `memory.ambiguous`
 * (conflict, with `candidates`) when a query means more than three.
 */
export function forget(_ctx: UserCtx, input: z.input<typeof forgetInput>): Promise<{ forgotten: Memory[] }> {
  parseInput(forgetInput, input);
  return Promise.reject(new Error('not yet'));
}
