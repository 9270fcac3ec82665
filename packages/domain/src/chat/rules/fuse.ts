/** What each leg counts for where both are asked; they come to 1. */
export interface LegWeights {
  lexical: number;
  vector: number;
}

/**
 * By the model that the vectors are of. The lexical leg is the stronger one on conversations: a weak embedding may only break its
 * ties, a good one counts for almost as much.
 */
export function legWeights(model: string): LegWeights {
  return /^gemini-embedding/.test(model) ? { lexical: 0.6, vector: 0.4 } : { lexical: 0.8, vector: 0.2 };
}
