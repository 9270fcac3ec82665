import { deleteMemory } from '../../chat/delete-memory.ts';
import { remember as rememberVerb } from '../../chat/remember.ts';
import { isOwnStatement, ownTextOf } from '../rules/asked-for.ts';
import { isMadeOf } from '../rules/own-words.ts';
import { quote, quoteWritten, say } from '../rules/tool-summary.ts';
import type { Planner } from './tool.ts';

const MAX_QUOTE = 2_000;

/** Something that the person wants to be remembered: in their words, or, once they have confirmed it, as if they had written it. */
export const remember: Planner<'remember'> = (ctx, args) => {
  const { call } = ctx;
  const { content, subject } = args;
  const said = call.message && ownTextOf(call.message.content);
  // By its attribute it would take the place of something: that is for the person's words to say, not for a model.
  const attribute = said === null || isMadeOf(args.attribute ?? '', said) ? (args.attribute ?? null) : null;
  const kind = attribute === null ? 'memory' : args.kind;
  const labels = [...(kind === 'memory' ? [] : [kind]), ...(subject === 'user' ? [] : [subject]), attribute ?? ''];
  const about = labels.every((text) => text === '') ? '' : ` (${quote(labels.filter(Boolean).join(', '))})`;
  return {
    arguments: { kind, subject, content, ...(attribute !== null && { attribute }) },
    summary: say(
      call.locale,
      `Remember${about}: ${quoteWritten(content)}`,
      `Mengingat${about}: ${quoteWritten(content)}`,
    ),
    write: {
      intent: 'remember',
      texts: [content, subject],
      things: [],
      is_verbatim: true,
      affects_others: false,
      is_said: call.message !== null && subject === 'user' && isOwnStatement(call.message.content, content),
    },
    run: async () => {
      const source = call.message
        ? {
            source: 'said' as const,
            source_message_id: call.message.id,
            quote: call.message.content.slice(0, MAX_QUOTE).trim() || null,
            said_at: new Date(call.now).toISOString(),
          }
        : { source: 'manual' as const };
      const { outcome, memory } = await rememberVerb(ctx, {
        ...{ kind, subject, attribute, content, ...source },
        source_run_id: call.run_id,
      });
      return {
        result: { memory_id: memory.id, content: memory.content, outcome },
        undo: outcome === 'known' ? null : { tool: 'delete_memory', arguments: { memory_id: memory.id } },
      };
    },
  };
};

/** Takes that back: what it took the place of counts again. Throws `memory.not_found`. */
export const undoRemember = (
  ctx: Parameters<typeof deleteMemory>[0],
  { memory_id }: { memory_id: string },
): Promise<void> => deleteMemory(ctx, { memory_id, restore_previous: true });
