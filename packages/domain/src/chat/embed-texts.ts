import type { Embedder, ModelAnswer, ModelFailureMeta, ModelReport } from '../agent/model.ts';
import { AppError } from '../platform/errors.ts';
import { toUnitVector } from './rules/unit-vector.ts';

/** What became of a text. `refused`: by its own fault; `waiting`: the provider is away, and nothing is said about the text. */
export type TextOutcome = { vector: number[] } | { refused: AppError } | { waiting: AppError };

/** What one call took, and for which texts. */
export interface TextCall<Item> {
  report: ModelReport;
  items: Item[];
}

export interface EmbeddedTexts<Item> {
  outcomes: Map<Item, TextOutcome>;
  calls: TextCall<Item>[];
}

/** Nobody's text: what is refused together with it is no fault of a text. */
const PROBE = 'Hello.';

/** Resolves when the provider embeds an ordinary text, throws what it says otherwise. */
export async function probeEmbedder(embedder: Embedder, signal: AbortSignal): Promise<void> {
  await ask(embedder, [PROBE], signal);
}

/**
 * The vectors of at most 100 texts. After a failure an ordinary text is asked about: when that fails too the provider is away, and all
 * wait; when not, what it does not take is found by halving. Never throws for what the provider does.
 */
export async function embedTexts<Item extends { text: string }>(
  embedder: Embedder,
  items: Item[],
  signal: AbortSignal,
): Promise<EmbeddedTexts<Item>> {
  const done: EmbeddedTexts<Item> = { outcomes: new Map(), calls: [] };
  const asking = new Asking(embedder, signal, done);
  await asking.embed(items);
  return done;
}

class Asking<Item extends { text: string }> {
  readonly #embedder: Embedder;
  readonly #signal: AbortSignal;
  readonly #done: EmbeddedTexts<Item>;
  #is_probed = false;
  #away: AppError | null = null;

  constructor(embedder: Embedder, signal: AbortSignal, done: EmbeddedTexts<Item>) {
    this.#embedder = embedder;
    this.#signal = signal;
    this.#done = done;
  }

  async embed(items: Item[]): Promise<void> {
    const failure = this.#away ?? (await this.#tryAll(items));
    if (!failure) return;
    this.#away ??= await this.#findOut(failure, items.length === 1);
    if (this.#away || items.length === 1) {
      const outcome = this.#away ? { waiting: this.#away } : { refused: failure };
      for (const item of items) this.#done.outcomes.set(item, outcome);
      return;
    }
    const middle = items.length >> 1;
    await this.embed(items.slice(0, middle));
    await this.embed(items.slice(middle));
  }

  /** The failure, if it was one. */
  async #tryAll(items: Item[]): Promise<AppError | null> {
    const texts = items.map(({ text }) => text);
    try {
      const { result, report } = await ask(this.#embedder, texts, this.#signal);
      this.#done.calls.push({ report, items });
      for (const [n, item] of items.entries()) this.#done.outcomes.set(item, { vector: result[n] ?? [] });
      return null;
    } catch (error) {
      const failure = asFailure(error);
      const { report } = failure.meta as ModelFailureMeta;
      if (report) this.#done.calls.push({ report, items });
      return failure;
    }
  }

  /** Why the provider is away, if that is why it failed; asked once, and before a single text is blamed. */
  async #findOut(failure: AppError, is_alone: boolean): Promise<AppError | null> {
    if (isOfProvider(failure) || this.#signal.aborted) return failure;
    if (this.#is_probed && !is_alone) return null;
    this.#is_probed = true;
    return probeEmbedder(this.#embedder, this.#signal).then(() => null, asFailure);
  }
}

/** No text is the reason, so that none needs to be looked for. */
const isOfProvider = ({ code }: AppError): boolean =>
  code === 'model.rate_limited' || code === 'model.quota_exhausted' || code === 'model.cancelled';

async function ask(embedder: Embedder, texts: string[], signal: AbortSignal): Promise<ModelAnswer<number[][]>> {
  const answer = await embedder.embed(texts, 'document', signal);
  if (answer.result.length !== texts.length) throw unreadable();
  const result = answer.result.map((values) => {
    const vector = values.length === embedder.dimensions ? toUnitVector(values) : null;
    if (!vector) throw unreadable();
    return vector;
  });
  return { ...answer, result };
}

const unreadable = (): AppError => new AppError('unavailable', 'model.unavailable', 'The vectors cannot be used.');

const asFailure = (error: unknown): AppError =>
  error instanceof AppError
    ? error
    : new AppError('unavailable', 'model.unavailable', 'The embedding failed.', {}, { cause: error });
