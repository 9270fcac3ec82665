import { z } from 'zod';
import type { Assessment, JudgeInput } from '../model.ts';
import type { Judgement } from '../prompt.ts';

/*
 * What models answer in JSON, read with suspicion. A schema passed to a provider makes a wrong answer rarer, never impossible.
 */

/** Absent and blank are null. */
const maybe = z
  .string()
  .nullish()
  .transform((text) => text?.trim() || null);
const share = z.number().min(0).max(1);
const instant = maybe.transform((text) => {
  const at = text === null ? Number.NaN : Date.parse(text);
  // A date that cannot be read is none: what was said is kept all the same.
  return Number.isNaN(at) ? null : new Date(at).toISOString();
});

const judged = z.object({
  decision: z.enum(['continue', 'switch', 'new']),
  ...{ context_id: maybe, title: maybe, confidence: share },
});

/** A judgement of this message: it can only switch to a conversation that it was shown. */
export const judgementOf = ({ active, others }: Pick<JudgeInput, 'active' | 'others'>): z.ZodType<Judgement> =>
  judged.transform(({ decision, context_id, title, confidence }, ctx): Judgement => {
    const refuse = (path: string, message: string) => {
      ctx.addIssue({ code: 'custom', path: [path], message });
      return z.NEVER;
    };
    if (decision === 'new') {
      if (title === null) return refuse('title', 'A new conversation needs a title');
      return { decision, context_id: null, title: title.slice(0, 200), confidence };
    }
    // To switch to where one is, is to stay.
    if (decision === 'switch' && context_id !== active?.id) {
      if (!others.some(({ id }) => id === context_id))
        return refuse('context_id', 'Not the id of a conversation that was given');
      return { decision, context_id, title: null, confidence };
    }
    if (active === null) return refuse('decision', 'There is no active conversation: it can only be new or a switch');
    return { decision: 'continue', context_id: null, title: null, confidence };
  });

const finding = z
  .object({
    kind: z.enum(['preference', 'rule', 'fact', 'memory']),
    subject: z.string().trim().min(1).max(200),
    attribute: maybe,
    content: z.string().trim().min(1).max(2_000),
    quote: z.string().min(1).max(4_000),
    confidence: share,
    supersedes: maybe,
    valid_from: instant,
    valid_until: instant,
  })
  .transform((found) => ({ ...found, attribute: found.kind === 'memory' ? null : found.attribute }));

export const assessment: z.ZodType<Assessment> = z.object({
  findings: z.array(finding).max(20),
  title: maybe.transform((title) => title?.slice(0, 200) ?? null),
  summary: maybe.transform((summary) => summary?.slice(0, 2_000) ?? null),
});

/** Some models fence their JSON although they were asked not to. */
export const withoutFence = (text: string): string =>
  /^\s*```(?:json)?\s*\n([\s\S]*?)\n\s*```\s*$/.exec(text)?.[1] ?? text;

/** What was wrong with an answer, for whoever is to repair it. */
export function problemOf(text: string, error: z.ZodError | SyntaxError): string {
  if (error instanceof SyntaxError) {
    return text.trim() === '' ? 'It was empty.' : `It is not whole, valid JSON (${error.message.slice(0, 200)}).`;
  }
  const lines = error.issues.slice(0, 10).map(({ path, message }) => `- ${path.join('.') || 'answer'}: ${message}`);
  return lines.join('\n');
}
