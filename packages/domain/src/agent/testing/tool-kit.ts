import { defaultCalendar } from '@potentia/db/agent/tool-call-queries';
import type { TestDatabase } from '@potentia/db/testing/database';
import { seedUser } from '@potentia/db/testing/seed';
import { seedContext, seedMessage, seedRun } from '@potentia/db/testing/seed-chat';
import type { BusyCache } from '../../calendar/busy-cache.ts';
import { personCtx } from '../../platform/testing/person.ts';
import { callTool } from '../call-tool.ts';
import type { ToolCallInput, ToolCtx, ToolOutcome } from '../tool-ctx.ts';

/** No store of busy time: everything is read from Postgres. */
const noCache: BusyCache = { read: () => null, write: () => Promise.resolve(), count: () => undefined };
const noLimit: ToolCtx['limiter'] = {
  take: () =>
    Promise.resolve({ allowed: true, limit: 1_000, remaining: 999, retry_after_ms: 0, reset_ms: 0, source: 'local' }),
};

/** Of a turn: Monday, 2 March 2026, 08:00 in Jakarta. */
export const NOW = '2026-03-02T01:00:00.000Z';
export const ZONE = 'Asia/Jakarta';

/** Somebody with a conversation, and a model that does whatever the text that it reads tells it to. */
export interface Talker {
  user_id: string;
  personal_workspace_id: string;
  calendar_id: string;
  context_id: string;
  ctx: ToolCtx;
  /** What the model asks for in a turn in which the person said that. */
  ask(message: string, name: string, args: object, more?: Partial<ToolCallInput>): Promise<ToolOutcome>;
  /** The same request once more, as another attempt of the run would send it. */
  again(): Promise<ToolOutcome>;
}

export function toolCtxOf(t: TestDatabase, user_id: string, now = NOW): ToolCtx {
  return { ...personCtx(t.db, user_id, { clock: () => new Date(now) }), busy: noCache, limiter: noLimit };
}

export async function makeTalker(t: TestDatabase, user?: { user_id: string }): Promise<Talker> {
  const { user_id, personal_workspace_id } = await seedUser(t.db, user);
  const ctx = toolCtxOf(t, user_id);
  const calendar_id = (await defaultCalendar(t.db, { user_id })) ?? '';
  const { context_id } = await seedContext(t.db, { user_id });
  let last: ToolCallInput | undefined;
  return {
    ...{ user_id, personal_workspace_id, calendar_id, context_id, ctx },
    async ask(content, name, args, more = {}) {
      const run = await seedRun(t.db, { user_id, workspace_id: personal_workspace_id, context_id });
      const { message_id } = await seedMessage(t.db, { context_id, user_id }, { content: content || '.' });
      last = {
        ...{ run_id: run.run_id, step_id: run.step_id, context_id, ordinal: 0 },
        ...{ request: { id: 'r', name, arguments: args }, message: { id: message_id, content } },
        ...{ time_zone: ZONE, now: NOW, ...more },
      };
      return callTool(ctx, last);
    },
    again() {
      if (!last) throw new Error('nothing was asked');
      return callTool(ctx, last);
    },
  };
}
