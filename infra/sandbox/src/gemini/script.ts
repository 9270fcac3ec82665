/** Which of our calls a request is: by what it asks for, not by who sent it. */
export type CallKind = 'judge' | 'specialist' | 'assess' | 'json' | 'embed' | 'count';

/** What the endpoint does instead of answering, or how it answers. Times in milliseconds; `after`: chunks that still go out. */
export type Behaviour =
  | { type: 'rate_limit'; retry_ms?: number }
  | { type: 'quota' }
  | { type: 'error'; status: number }
  | { type: 'slow'; ms: number }
  | { type: 'hang' }
  | { type: 'silence'; after?: number }
  | { type: 'cut'; after?: number }
  | { type: 'stream_error'; status?: number; after?: number }
  | { type: 'no_finish' }
  | { type: 'block_prompt'; reason?: string }
  | { type: 'block_answer'; reason?: string; text?: string }
  | { type: 'max_tokens'; text?: string }
  | { type: 'cut_json' }
  | { type: 'bad_json'; text?: string }
  | { type: 'malformed_call' }
  | { type: 'empty' }
  | { type: 'thoughts'; text?: string }
  | { type: 'cached'; tokens: number }
  | { type: 'tool'; name: string; args?: unknown; text?: string }
  | { type: 'tools'; calls: { name: string; args?: unknown }[] }
  | { type: 'tool_loop'; name: string; args?: unknown }
  | { type: 'obey' }
  | { type: 'answer'; text: string }
  | { type: 'json'; value: unknown }
  | { type: 'judge'; decision: string; context_id?: string | null; title?: string | null; confidence?: number }
  | { type: 'assess'; findings?: unknown[]; title?: string | null; summary?: string | null };

export const BEHAVIOURS = [
  ...['rate_limit', 'quota', 'error', 'slow', 'hang', 'silence', 'cut', 'stream_error', 'no_finish'],
  ...['block_prompt', 'block_answer', 'max_tokens', 'cut_json', 'bad_json', 'malformed_call', 'empty'],
  ...['thoughts', 'cached', 'tool', 'tools', 'tool_loop', 'obey', 'answer', 'json', 'judge', 'assess'],
] as const satisfies readonly Behaviour['type'][];

/** What goes with any other behaviour; of the others the first that matches acts. */
const MODIFIERS: ReadonlySet<string> = new Set(['slow', 'thoughts', 'cached', 'obey']);

/** One line of the script. What is not said matches everything. */
export interface ScriptItem {
  behaviour: Behaviour;
  /** A part of what the person said; with `in: 'prompt'` of anything in the prompt. */
  match?: string | undefined;
  in?: 'message' | 'prompt' | undefined;
  call?: CallKind | undefined;
  model?: string | undefined;
  /** How often it acts; always when absent. */
  times?: number | undefined;
}

export interface CallFacts {
  call: CallKind;
  model: string;
  message: string;
  /** Everything in the prompt. */
  prompt: () => string;
}

/** How it behaves where nothing is scripted. */
export interface GeminiSettings {
  /** A model that does what it reads: `ORDER: call <tool> <json>` anywhere in its prompt. */
  is_obedient: boolean;
  /** Until the first chunk, per kind of call. */
  latency_ms: Partial<Record<CallKind, number>>;
  /** In how many chunks a text is streamed, and how long after one another. */
  chunks: number;
  chunk_ms: number;
}

export const DEFAULT_SETTINGS: GeminiSettings = { is_obedient: false, latency_ms: {}, chunks: 4, chunk_ms: 0 };

const KEPT_COUNTS = 10_000;
/** `[[gemini:rate_limit {"times":1}]]`, in what the person said. */
const MARKER = /\[\[gemini:([a-z_]+)(?:\s+(\{.*?\}))?\s*\]\]/gs;

/** Scripted behaviour: what tests and the console set, and what markers in a message ask for. */
export class Script {
  settings: GeminiSettings = { ...DEFAULT_SETTINGS };
  #items: (ScriptItem & { id: number })[] = [];
  #next = 1;
  /** How often each marker of each message acted. */
  readonly #acted = new Map<string, number>();

  add(item: ScriptItem): number {
    const id = this.#next++;
    this.#items.push({ ...item, id });
    return id;
  }

  list(): (ScriptItem & { id: number })[] {
    return [...this.#items];
  }

  remove(id: number): void {
    this.#items = this.#items.filter((item) => item.id !== id);
  }

  clear(): void {
    this.#items = [];
    this.#acted.clear();
    this.settings = { ...DEFAULT_SETTINGS };
  }

  /** What acts on this call. Counts it. */
  take(facts: CallFacts): Behaviour[] {
    const taken: Behaviour[] = [];
    const take = (behaviour: Behaviour): boolean => {
      const isModifier = MODIFIERS.has(behaviour.type);
      if (!isModifier && taken.some(({ type }) => !MODIFIERS.has(type))) return false;
      taken.push(behaviour);
      return true;
    };
    for (const item of this.#items) {
      if (item.times === 0 || !matches(item, facts) || !take(item.behaviour)) continue;
      if (item.times !== undefined) item.times -= 1;
    }
    this.#items = this.#items.filter(({ times }) => times !== 0);
    for (const { behaviour, call, times, marker } of markersOf(facts.message)) {
      if (call !== 'any' && call !== facts.call) continue;
      const key = `${facts.call} ${marker} ${facts.message}`;
      const acted = this.#acted.get(key) ?? 0;
      if (times !== undefined && acted >= times) continue;
      if (take(behaviour)) this.#count(key, acted + 1);
    }
    if (this.settings.is_obedient) take({ type: 'obey' });
    return taken;
  }

  #count(key: string, times: number): void {
    this.#acted.delete(key);
    this.#acted.set(key, times);
    const oldest = this.#acted.keys().next();
    if (this.#acted.size > KEPT_COUNTS && !oldest.done) this.#acted.delete(oldest.value);
  }
}

function matches({ match, in: where, call, model }: ScriptItem, facts: CallFacts): boolean {
  if (call !== undefined && call !== facts.call) return false;
  if (model !== undefined && model !== facts.model) return false;
  if (match === undefined) return true;
  return (where === 'prompt' ? facts.prompt() : facts.message).includes(match);
}

interface Marker {
  marker: string;
  behaviour: Behaviour;
  call: string;
  times: number | undefined;
}

/** A marker acts on the answer alone, unless it names another call, or `any`. One that cannot be read is no marker. */
function markersOf(message: string): Marker[] {
  return [...message.matchAll(MARKER)].flatMap(([marker, type = '', json = '{}']): Marker[] => {
    if (!(BEHAVIOURS as readonly string[]).includes(type)) return [];
    try {
      const { call = 'specialist', times, ...options } = JSON.parse(json) as { call?: string; times?: number };
      return [{ marker, behaviour: { ...options, type } as Behaviour, call, times }];
    } catch {
      return [];
    }
  });
}
