/** A small conversation of our own with questions about it, to measure retrieval by. */
export interface LabelledSet {
  /** Each begins at `at`, its messages 30 seconds apart; `u`: the person, `a`: who answers. */
  sessions: { at: string; turns: `${'u' | 'a'}: ${string}`[] }[];
  /** A question, and where its answer stands: session and turn, from 1. */
  questions: [question: string, ...evidence: `${number}.${number}`[]][];
}
