import type { TurnAnswer } from '../../agent/turn-schemas.ts';
import { type Locale, partnerLine, sourcesLine } from './partner-lines.ts';
import { splitText, toWhatsappText } from './whatsapp-text.ts';

/** The marks by which an answer cites, such as `[2]`: on a phone one line says what it rests on. */
const withoutMarks = (text: string, { citations }: Pick<TurnAnswer, 'citations'>): string => {
  const cited = new Set(citations.map(({ index }) => String(index)));
  return text.replace(/ ?\[(\d{1,3})\](?!\()/gu, (mark, index: string) => (cited.has(index) ? '' : mark));
};

/** A turn that is over as messages on WhatsApp, in their order. */
export function partnerAnswer(answer: Pick<TurnAnswer, 'message' | 'citations' | 'status'>, locale: Locale): string[] {
  if (answer.message === null) return [partnerLine(locale, answer.status === 'cancelled' ? 'cancelled' : 'failed')];
  const text = toWhatsappText(withoutMarks(answer.message.content, answer));
  const sources = sourcesLine(locale, answer.citations);
  return splitText(sources === null ? text : `${text}\n\n_${sources}_`);
}
