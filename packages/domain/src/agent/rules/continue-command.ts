import type { PromptMessage } from '../prompt.ts';
import { parseCommand } from './command.ts';
import { tidy } from './command-words.ts';
import type { Command } from './command-types.ts';
import { isChoice, saysWhichOf } from './follow-command.ts';
import { CORRECTION } from './intent-words.ts';
import { isOurQuestion } from './say-when.ts';
import { type CommandAt, readWhen } from './when.ts';

/** An order, and which of the choices that were offered the person took, from 1. */
export interface Continued {
  command: Command;
  choice: number | null;
}

const ORDINALS: Readonly<Record<string, number>> = {
  ...{ first: 1, second: 2, third: 3, fourth: 4, fifth: 5, pertama: 1, kedua: 2, ketiga: 3, keempat: 4, kelima: 5 },
};
const NUMBER =
  /^(?:(?:number|no\.?|nomor|the|yang)\s+)*(?:(?<n>\d)|(?<word>first|second|third|fourth|fifth|pertama|kedua|ketiga|keempat|kelima))(?:\s+one)?[.!]?$/iu;

/** How often the person may have been asked back about one order. */
const MAX_ASKED = 3;

/** What a message orders: by itself, or as the answer to what was asked back about the order before it. Null: nothing. */
export function continueCommand(message: string, recent: readonly PromptMessage[], at: CommandAt): Continued | null {
  const command = parseCommand(message, at);
  if (command) return { command, choice: null };
  const said_here = typedHere(recent);
  const last = said_here.at(-1);
  const before = last?.content === message && last.role === 'user' ? said_here.slice(0, -1) : said_here;
  const moved = corrected(message, before, at);
  if (moved) return moved;
  const said: string[] = [message];
  for (let end = before.length, asked = 0; asked < MAX_ASKED; asked++, end -= 2) {
    const [order, question] = [before[end - 2], before[end - 1]];
    if (order?.role !== 'user' || question?.role !== 'assistant') return null;
    const wider = asked === 0 && saysWhichOf(question.content) ? ofSeries(order.content, message, at) : null;
    if (wider) return wider;
    const choice = isChoice(question.content) ? numberIn(message) : null;
    if (choice === null && !isOurQuestion(question.content)) return null;
    // The order was given then: its "tomorrow" counts from there.
    if (choice !== null) return chosen(order.content, choice, { ...at, now: order.created_at });
    said.unshift(order.content);
    const whole = parseCommand(joined(said, question.content), at);
    if (whole && parseCommand(order.content, at)) return { command: whole, choice: null };
  }
  return null;
}

/** What came after the last message that was imported: those may be anybody's words. */
const typedHere = (recent: readonly PromptMessage[]): readonly PromptMessage[] =>
  recent.slice(recent.findLastIndex(({ is_imported }) => is_imported === true) + 1);

/** An order and its answers are minutes apart; what is older was something else. Milliseconds. */
const MAX_APART = 15 * 60_000;

/**
 * What the person has typed of the order that a message belongs to: the message, and before it the order that it answers a question of
 * ours about, or corrects. It is what a write is held against: nobody has to say everything twice.
 */
export function orderText(message: string, before: readonly PromptMessage[], now: string): string {
  const recent = typedHere(before);
  const said = [message];
  let is_open = CORRECTION.test(message.trim());
  for (let end = recent.length, asked = 0; asked < MAX_ASKED; asked++, end -= 2) {
    const [order, answer] = [recent[end - 2], recent[end - 1]];
    if (order?.role !== 'user' || answer?.role !== 'assistant') break;
    const is_ours = isOurQuestion(answer.content) || isChoice(answer.content) || saysWhichOf(answer.content);
    if (!(is_ours || is_open) || Date.parse(now) - Date.parse(order.created_at) > MAX_APART) break;
    is_open = false;
    said.unshift(order.content);
  }
  return said.join('\n');
}

const BESIDE_TIME =
  /\b(?:at|on|to|for|by|instead|please|rather|pada|ke|saja|aja|ya|dong|maksud(?:ku|nya)|it|that)\b/giu;

/** What moves what was ordered last to the time that a message corrects it to. Null: it corrects nothing. */
function corrected(message: string, recent: readonly PromptMessage[], at: CommandAt): Continued | null {
  const time = CORRECTION.exec(message.trim())?.groups?.['when']?.replace(/[.!\s]+$/u, '');
  const [order, answer] = [recent.at(-2), recent.at(-1)];
  if (time === undefined || order?.role !== 'user' || answer?.role !== 'assistant') return null;
  const when = readWhen(time, at);
  const bare = /^\d{1,2}$/u.test(time) ? `at ${time}` : time;
  if (bare === time && tidy(when.rest.replace(BESIDE_TIME, ' ')) !== '') return null;
  const ordered = continueCommand(order.content, recent.slice(0, -2), { ...at, now: order.created_at })?.command;
  if (ordered?.verb !== 'call') return null;
  const [call] = ordered.calls;
  const { title } = call?.arguments ?? {};
  if (typeof title !== 'string' || (call?.name !== 'set_reminder' && call?.name !== 'create_schedule')) return null;
  const plain = bare.replace(/^(?:to|ke)\s+/iu, '');
  const command = parseCommand(
    ordered.language === 'en' ? `move ${title} to ${plain}` : `pindahkan ${title} ke ${plain}`,
    at,
  );
  if (command?.verb !== 'move') return null;
  // The very one: by its day and time, and all of it if it repeats.
  const { at: local = call.arguments['starts_local'] } = call.arguments;
  const from = typeof local === 'string' ? local : null;
  const wanted = { ...command.wanted, words: title, scope: 'all' as const };
  if (from !== null) wanted.find = { name: 'find_schedules', arguments: { query: title, from } };
  return { command: { ...command, wanted }, choice: null };
}

const ALL =
  /^(?:all(?:\s+of\s+(?:them|it))?|every(?:\s+(?:one|time))?|the\s+whole\s+series|semua(?:nya)?|seluruhnya)$/iu;

/** All of a series, or the one of a day, of who was asked which. */
function ofSeries(order: string, message: string, at: CommandAt): Continued | null {
  const said = message.trim().replace(/[.!]+$/u, '');
  if (!ALL.test(said)) {
    const command = parseCommand(`${order.trim().replace(/[.!?]+$/u, '')} ${said}`, at);
    const is_dated = command && 'wanted' in command && command.wanted.scope === 'this';
    return is_dated ? { command, choice: null } : null;
  }
  const command = parseCommand(order, at);
  if (command?.verb !== 'cancel' && command?.verb !== 'move') return null;
  return { command: { ...command, wanted: { ...command.wanted, scope: 'all' } }, choice: null };
}

function chosen(order: string, choice: number, at: CommandAt): Continued | null {
  const command = parseCommand(order, at);
  return command && { command, choice };
}

function numberIn(message: string): number | null {
  const { n, word } = NUMBER.exec(message.trim())?.groups ?? {};
  return n !== undefined ? Number(n) : word !== undefined ? (ORDINALS[word.toLowerCase()] ?? null) : null;
}

const BARE_TIME = /^\d{1,2}(?:[:.]\d\d)?$/u;
const POINTER = /\b(?:it|that|this|them|itu|ini)\b/iu;

/** The order with what was answered, as if it had been said at once. */
function joined(said: readonly string[], question: string): string {
  const [order = '', ...answers] = said.map((part) => part.trim().replace(/[.!?]+$/u, ''));
  const answer = answers.map((part) => (BARE_TIME.test(part) ? `at ${part}` : part)).join(' ');
  if (/^(?:To when|Dipindah)/u.test(question))
    return `${order} ${/^To/u.test(question) ? 'to' : 'ke'} ${answer.replace(/^(?:to|ke|at)\s+/iu, '')}`;
  if (/^(?:Which one|Yang mana)/u.test(question)) return order.replace(POINTER, answer);
  if (/^(?:On which canvas|Di kanvas)/u.test(question))
    return `${order} ${/^On/u.test(question) ? 'to my' : 'ke'} ${answer.replace(/^(?:to|on|in|ke|di)\s+(?:my\s+)?/iu, '')}`;
  return `${order} ${answer}`;
}
