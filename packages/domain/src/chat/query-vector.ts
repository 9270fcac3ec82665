import type { ModelPort, ModelReport } from '../agent/model.ts';
import { AppError } from '../platform/errors.ts';

/** Milliseconds that a search waits for the vector of its query; then it goes by words alone. */
const WITHIN_MS = 600;

export interface QueryVector {
  vector: number[];
  model: string;
  report: ModelReport;
}

export interface QueryVectorOptions {
  signal: AbortSignal;
  within_ms?: number;
  /** Told what a vector took that came when nobody waited for it any more: it is paid all the same. */
  onLate: (report: ModelReport) => void;
}

/** Why there is no vector: there is nothing that makes any, or not now. */
export type NoVector = 'off' | 'unavailable';

/**
 * The vector of a query, soon or not at all; never throws but when `signal` fired. One that comes too late is let come: to break it off
 * would cost its connection.
 */
export async function queryVector(
  { embedder }: Pick<ModelPort, 'embedder'>,
  text: string,
  { signal, within_ms = WITHIN_MS, onLate }: QueryVectorOptions,
): Promise<QueryVector | NoVector> {
  if (!embedder) return 'off';
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => (timer = setTimeout(resolve, within_ms, null)));
  const made = embedder.embed([text], 'query', signal);
  try {
    const answer = await Promise.race([made, late]);
    if (answer === null) {
      made.then(
        ({ report }) => onLate(report),
        () => undefined,
      );
      return 'unavailable';
    }
    const [vector] = answer.result;
    return vector ? { vector, model: embedder.model, report: answer.report } : 'unavailable';
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof AppError) return 'unavailable';
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
