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
  for (const read of READERS) {
    const found = read(said, at);
    if (found) return { ...found[0], language: found[1] };
  }
  return null;
}
