import {
  anyCanvasesOf,
  answersOf,
  type Answered,
  blocksOf,
  canvasesOf,
  type FoundCanvas,
  list,
  type Occurrence,
  occurrencesOf,
  text,
} from './tool-results.ts';
import type { Command, ToolDraft } from './command-types.ts';
import { reminder } from './command-remind.ts';
import { moveTo } from './move-target.ts';
import { sayAnswers, sayCanvas, sayChoice } from './say-results.ts';
import { type Language, sayLocal, saySettled } from './say-when.ts';
import type { ToolRound } from '../model.ts';
import type { CommandAt } from './when.ts';

/** What comes next of an order: tools, or the last word. Null: nothing was found, and something else may be said. */
export type Next = { tools: ToolDraft[] } | { text: string } | null;

interface State {
  rounds: readonly ToolRound[];
  /** The one of a numbered list that the person chose, from 1. */
  choice: number | null;
  at: CommandAt;
}

const say = (language: Language, en: string, id: string): string => (language === 'en' ? en : id);
type Of<Verb extends Command['verb']> = Extract<Command, { verb: Verb }>;

/** The next step of an order, by what its tools have answered so far. */
export function followCommand(command: Command, state: State): Next {
  const last = state.rounds.at(-1);
  const answers = answersOf(last);
  const [first] = answers;
  if (command.verb === 'ask') return { text: command.question };
  if (command.verb === 'call') return followCall(command, answers);
  // A search that failed is all that can be said; so is what became of the last step.
  const is_search = first !== undefined && ['find_schedules', 'find_canvases', 'read_canvas'].includes(first.name);
  if (first && (!is_search || first.status !== 'done'))
    return { text: sayAnswers(answers, understoodOf(command, state), command.language) };
  if (command.verb === 'append' || command.verb === 'complete' || command.verb === 'read')
    return followCanvas(command, first, state);
  if (!first) return { tools: [command.verb === 'snooze' ? command.find : command.wanted.find] };
  return command.verb === 'snooze' ? followSnooze(command, first) : followChange(command, first, state);
}

function followCall(command: Of<'call'>, answers: readonly Answered[]): Next {
  if (answers.length === 0) return { tools: command.calls };
  const [first] = answers;
  // `when is my dentist appointment` may be known from elsewhere than the calendar.
  if (
    first?.name === 'find_schedules' &&
    command.calls[0]?.arguments['query'] !== undefined &&
    first.status === 'done' &&
    occurrencesOf(first).length === 0
  )
    return null;
  // What is not remembered may have been said.
  if (
    first?.name === 'list_memories' &&
    command.calls[0]?.arguments['query'] !== undefined &&
    first.status === 'done' &&
    list(first.result['memories']).length === 0
  )
    return null;
  return { text: sayAnswers(answers, command.understood, command.language) };
}

function followSnooze({ settled, language }: Of<'snooze'>, found: Answered): Next {
  const due = occurrencesOf(found)
    .filter(({ starts_local, ends_local }) => starts_local === ends_local)
    .at(-1);
  if (!due) return { text: say(language, 'Nothing was reminded of lately.', 'Belum ada pengingat tadi.') };
  return { tools: [reminder(due.title, settled)] };
}

const understoodOf = (command: Command, { at, rounds }: State): string | null => {
  const given = rounds.at(-1)?.results[0]?.request.arguments as Record<string, unknown> | undefined;
  if (command.verb === 'snooze')
    return `“${text(given?.['title'])}”: ${saySettled({ ...command.settled, duration_minutes: null }, at.time_zone, command.language)}`;
  const to = text(given?.['starts_local']);
  if (command.verb !== 'move' || to === '') return null;
  return `“${text(answersOf(rounds.at(-1))[0]?.result['title'])}”: ${sayLocal(to, command.language)} (${at.time_zone})`;
};

function followChange(command: Of<'cancel'> | Of<'move'>, found: Answered, { choice }: State): Next {
  const { wanted, language } = command;
  const { from, to } = wanted.find.arguments;
  const all = occurrencesOf(found).filter(
    ({ starts_local }) =>
      from === undefined || (starts_local >= text(from) && (to === undefined || starts_local < text(to))),
  );
  const timed =
    wanted.minute === null ? all : all.filter(({ starts_local }) => minuteOf(starts_local) === wanted.minute);
  const named = timed.filter(({ title }) => hasWords(title, wanted.words));
  const candidates = firsts(named.length > 0 ? named : timed);
  if (candidates.length === 0)
    return {
      text: say(
        language,
        `Found nothing in your calendar for “${wanted.words}”.`,
        `Tidak ada “${wanted.words}” di kalender Anda.`,
      ),
    };
  const one = candidates.length === 1 ? candidates[0] : choice === null ? undefined : candidates[choice - 1];
  if (!one)
    return {
      text: whichOf(
        candidates.map((each) => sayChoice(each, language)),
        language,
      ),
    };
  if (one.recurrence_id !== null && wanted.scope === null) return { text: saysRepeats(command, one) };
  return { tools: [changeOf(command, one)] };
}

const minuteOf = (local: string): number => Number(local.slice(11, 13)) * 60 + Number(local.slice(14, 16));

/** The first occurrence of each. */
const firsts = (all: readonly Occurrence[]): Occurrence[] =>
  all.filter(({ schedule_id }, at) => all.findIndex((other) => other.schedule_id === schedule_id) === at).slice(0, 9);

const hasWords = (title: string, words: string): boolean =>
  words
    .toLowerCase()
    .split(' ')
    .every((word) => title.toLowerCase().includes(word));

function saysRepeats({ verb, language }: Of<'cancel'> | Of<'move'>, one: Occurrence): string {
  const act = verb === 'cancel' ? say(language, 'cancel', 'batalkan') : say(language, 'move', 'pindahkan');
  const { title } = one;
  return say(
    language,
    `“${title}” repeats. Say which: “${act} ${title} on …” with its day for one, or “${act} all ${title} …” for all of them.`,
    `“${title}” berulang. Sebutkan yang mana: “${act} ${title} hari …” untuk satu kali, atau “${act} semua ${title} …” untuk semuanya.`,
  );
}

/** Whether a text asks which of a series is meant. */
export const saysWhichOf = (said: string): boolean =>
  /” (?:repeats\. Say which|berulang\. Sebutkan yang mana):/u.test(said);

function changeOf(command: Of<'cancel'> | Of<'move'>, one: Occurrence): ToolDraft {
  const { schedule_id, recurrence_id } = one;
  const { scope } = command.wanted;
  if (command.verb === 'cancel') {
    const which = recurrence_id === null ? {} : scope === 'all' ? { scope } : { scope: 'this', recurrence_id };
    return { name: 'delete_schedule', arguments: { schedule_id, ...which } };
  }
  // Of all of them, those that are still to come.
  const which = recurrence_id === null ? {} : { scope: scope === 'all' ? 'following' : 'this', recurrence_id };
  const { target } = command;
  if (target.kind === 'calendar') return { name: 'move_schedule', arguments: { schedule_id, calendar: target.name } };
  const { starts_local, duration_minutes } = moveTo(one, target);
  if (duration_minutes !== null)
    return { name: 'update_schedule', arguments: { schedule_id, ...which, starts_local, duration_minutes } };
  return { name: 'move_schedule', arguments: { schedule_id, ...which, starts_local } };
}

const MARK: Readonly<Record<Language, string>> = {
  en: 'Which one? Answer with its number.',
  id: 'Yang mana? Jawab dengan nomornya.',
};

/** Several that are meant, numbered. */
const whichOf = (choices: readonly string[], language: Language): string =>
  [MARK[language], ...choices.map((choice, at) => `${at + 1}. ${choice}`)].join('\n');

/** Whether a text let the person choose. */
export const isChoice = (said: string): boolean => Object.values(MARK).some((mark) => said.startsWith(mark));

const NOUNS = /\b(?:list|canvas|page|doc(?:ument)?|notes?|board|daftar|kanvas|halaman|catatan|dokumen)\b/giu;
const bare = (canvas: string): string => canvas.replace(NOUNS, ' ').replace(/\s+/gu, ' ').trim() || canvas;

function followCanvas(
  command: Of<'append'> | Of<'complete'> | Of<'read'>,
  found: Answered | undefined,
  state: State,
): Next {
  const { language, canvas } = command;
  if (!found)
    return {
      tools: [
        { name: 'find_canvases', arguments: { query: canvas ?? (command.verb === 'complete' ? command.text : '') } },
      ],
    };
  if (command.verb === 'complete' && found.name === 'read_canvas')
    return tickOff(command, [{ ...readOf(found) }], state, found);
  if (command.verb === 'read' && found.name === 'read_canvas') return { text: sayCanvas(found.result, language) };
  const all = command.verb === 'read' ? anyCanvasesOf(found) : canvasesOf(found);
  const named = canvas === null ? all : bestNamed(all, canvas);
  if (named.length === 0 && canvas !== null && state.rounds.length === 1 && bare(canvas) !== canvas)
    return { tools: [{ name: 'find_canvases', arguments: { query: bare(canvas) } }] };
  // What is no canvas may have been said.
  if (named.length === 0 && command.verb === 'read') return null;
  if (named.length === 0)
    return {
      text: say(
        language,
        `Found no canvas for “${canvas ?? text(found.summary)}”.`,
        `Tidak ada kanvas “${canvas ?? ''}”.`,
      ),
    };
  if (command.verb === 'complete' && (canvas === null || matching(command, named).length > 0))
    return tickOff(command, named, state, null);
  const one = named.length === 1 ? named[0] : state.choice === null ? undefined : named[state.choice - 1];
  if (!one)
    return {
      text: whichOf(
        named.map(({ title }) => title),
        language,
      ),
    };
  if (command.verb !== 'append') return { tools: [{ name: 'read_canvas', arguments: { canvas_id: one.canvas_id } }] };
  const { texts, type } = command;
  return {
    tools: texts.map((each) => ({ name: 'append_block', arguments: { canvas_id: one.canvas_id, text: each, type } })),
  };
}

/** Those of that very name, else those that have all its words, else all that have its own words. */
function bestNamed(all: readonly FoundCanvas[], name: string): FoundCanvas[] {
  const same = all.filter(({ title }) => title.toLowerCase() === name.toLowerCase());
  if (same.length > 0) return same;
  const whole = all.filter(({ title }) => hasWords(title, name));
  return whole.length > 0 ? whole : all.filter(({ title }) => hasWords(title, bare(name)));
}

const readOf = ({ result }: Answered): FoundCanvas => ({
  canvas_id: text(result['canvas_id']),
  title: text(result['title']),
  blocks: blocksOf(result),
});

interface Todo {
  canvas_id: string;
  title: string;
  block_id: string;
  text: string;
}

const matching = ({ text: wanted }: Of<'complete'>, canvases: readonly FoundCanvas[]): Todo[] =>
  canvases.flatMap(({ canvas_id, title, blocks }) =>
    blocks
      .filter((block) => block.type === 'todo' && hasWords(block.text, wanted))
      .map(({ block_id, text: content }) => ({ canvas_id, title, block_id, text: content })),
  );

function tickOff(
  command: Of<'complete'>,
  canvases: readonly FoundCanvas[],
  { choice, rounds }: State,
  page: Answered | null,
): Next {
  const { language, is_done } = command;
  const todos = matching(command, canvases);
  const cursor = text(page?.result['next_cursor']);
  if (todos.length === 0 && cursor !== '' && rounds.length < 5)
    return { tools: [{ name: 'read_canvas', arguments: { canvas_id: canvases[0]?.canvas_id, cursor } }] };
  if (todos.length === 0)
    return { text: say(language, `Found no todo “${command.text}”.`, `Tidak ada tugas “${command.text}”.`) };
  const one = todos.length === 1 ? todos[0] : choice === null ? undefined : todos[choice - 1];
  if (!one)
    return {
      text: whichOf(
        todos.slice(0, 9).map((todo) => `${todo.text} (${todo.title})`),
        language,
      ),
    };
  const { canvas_id, block_id } = one;
  return { tools: [{ name: 'complete_todo', arguments: { canvas_id, block_id, is_done } }] };
}
