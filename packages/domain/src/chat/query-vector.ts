import type { ModelPort, ModelReport } from '../agent/model.ts';
import { AppError } from '../platform/errors.ts';

/** Milliseconds that a search waits for the vector of its query; then it goes by words alone. */
const WITHIN_MS = 600;

export interface QueryVector {
  vector: number[];
  model: string;
  report: ModelReport;
}

/** Why there is no vector: there is nothing that makes any, or not now. */
export type NoVector = 'off' | 'unavailable';

/** The vector of a query, soon or not at all; never throws but when `signal` fired. */
export async function queryVector(
  { embedder }: Pick<ModelPort, 'embedder'>,
  text: string,
  { signal, within_ms = WITHIN_MS }: { signal: AbortSignal; within_ms?: number },
): Promise<QueryVector | NoVector> {
  if (!embedder) return 'off';
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(within_ms)]);
  try {
    const { result, report } = await embedder.embed([text], 'query', deadline);
    const [vector] = result;
    return vector ? { vector, model: embedder.model, report } : 'unavailable';
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof AppError || deadline.aborted) return 'unavailable';
    throw error;
  }
}
