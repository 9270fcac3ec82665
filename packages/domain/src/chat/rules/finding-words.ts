import type { Finding } from '../../agent/model.ts';

type Groups = Partial<Record<string, string>>;

/** A sentence that says something of somebody. `read`: of whom and what of them; null: it does not after all. */
export interface FactPattern {
  re: RegExp;
  kind: Finding['kind'];
  read: (groups: Groups) => Pick<Finding, 'subject' | 'attribute'> | null;
}

/** Of an attribute. */
export const MAX_WORDS = 5;
/** What an attribute may be made of: words, not a text. */
export const attributeOf = (text: string): string | null => {
  const words = text
    .toLowerCase()
    .normalize('NFKC')
    .replace(/[’ʼ]/gu, "'")
    .replace(/[^\p{L}\p{M}\p{N}' -]+/gu, ' ')
    .replace(/\b(?:the|a|an|very|really|so|much|most|some|any|of|to|all|banget|sekali|sangat)\b/gu, ' ')
    .replace(/\s+/gu, ' ')
    .trim()
    .split(' ');
  const kept = words.slice(0, MAX_WORDS - 1).join(' ');
  return kept === '' || kept.length > 60 ? null : kept;
};

export const AKU = '(?:aku|saya|gue|gua|gw)';
