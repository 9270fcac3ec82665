import { isZone } from '../../calendar/rules/zones.ts';
import { readCanvasOrder } from './command-canvas.ts';
import { readCancel, readMove, readSnooze } from './command-change.ts';
import { readLook } from './command-look.ts';
import { readMemoryOrder } from './command-memory.ts';
import { readRemind } from './command-remind.ts';
import { readSchedule } from './command-schedule.ts';
import type { Command, Order } from './command-types.ts';
import { plainOrder } from './command-words.ts';
import type { Language } from './say-when.ts';
import type { CommandAt } from './when.ts';

/** Longer texts are letters, not orders. */
const MAX_ORDER = 600;

type Reader = (text: string, at: CommandAt) => [Order, Language] | null;

/** The first that can read it: those whose words are plainest come first. */
const READERS: readonly Reader[] = [
  readMemoryOrder,
  readSnooze,
  readRemind,
  readLook,
  readSchedule,
  readCanvasOrder,
  readMove,
  readCancel,
];

/**
 * What a message orders, in English or Indonesian, with its times worked out in the person's zone. What is unclear comes back as a
 * question. Null: it orders nothing that is known here. The whole message is the order: one within a longer text is none.
 */
export function parseCommand(text: string, at: CommandAt): Command | null {
  if (text.length > MAX_ORDER || !isZone(at.time_zone) || Number.isNaN(Date.parse(at.now))) return null;
  const said = plainOrder(text);
  if (said === '') return null;
  return readSeveral(said, at) ?? readOne(said, at);
}

function readOne(said: string, at: CommandAt): Command | null {
  for (const read of READERS) {
    const found = read(said, at);
    if (found) return { ...found[0], language: found[1] };
  }
  return null;
}

/** Where another order begins. */
const ANOTHER =
  /(?:[\s,;.!]+(?:and\s+then|and\s+also|and|then|also|dan\s+juga|dan|lalu|terus|kemudian|serta)\s+|[.;!]\s+)(?=(?:please\s+|tolong\s+)?(?:remind|schedule|cancel|delete|move|postpone|add|put|book|ingatkan|ingatin|ingetin|jadwalkan|jadwalin|batalkan|batalin|pindahkan|undur|tambah(?:kan)?|hapus)\b)/giu;
const ENDED = /[.;!]\s/u;
const TIMED = new Set(['set_reminder', 'create_schedule']);
const MOST = 4;
const ONE_BY_ONE = {
  en: 'These are several orders. Please give them one by one.',
  id: 'Ini beberapa perintah sekaligus. Mohon satu per satu.',
};

/** Several orders at once: done together if none has to be looked for first. Null: it is one. */
function readSeveral(said: string, at: CommandAt): Command | null {
  const parts = said.split(ANOTHER);
  if (parts.length < 2 || parts.length > MOST) return null;
  const commands = parts.map((part) => readOne(plainOrder(part), at));
  const [first] = commands;
  if (!first || commands.some((command) => command === null)) return null;
  const orders = commands as Command[];
  const names = orders.map((order) => (order.verb === 'call' ? (order.calls[0]?.name ?? '') : ''));
  if (names[0] === 'remember' || names[0] === 'forget') return null;
  // What one is to be reminded of may sound like an order: `remind me to buy milk and cancel the gym`.
  const may_be_one = names[0] === 'set_reminder' && !ENDED.test(said);
  const is_timed = orders.every(({ verb }, index) => verb === 'ask' || TIMED.has(names[index] ?? ''));
  if (may_be_one && !is_timed) return null;
  const { language } = first;
  const calls = orders.flatMap((order) => (order.verb === 'call' ? order.calls : []));
  if (names.includes('')) return { verb: 'ask', question: ONE_BY_ONE[language], language };
  const understood = orders.map((order) => (order.verb === 'call' ? order.understood : null)).join('; ');
  return { verb: 'call', calls, understood, language };
}
