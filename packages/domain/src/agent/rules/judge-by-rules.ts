import { titleOf } from '../../chat/rules/title.ts';
import type { JudgeInput } from '../model.ts';
import type { Judgement } from '../prompt.ts';

/** Decides without a model. What is not clear stays where it is. */
export function judgeByRules({ active, message }: JudgeInput): Judgement {
  if (active === null) return { decision: 'new', context_id: null, title: titleOf(message), confidence: 1 };
  return { decision: 'continue', context_id: null, title: null, confidence: 0.5 };
}
