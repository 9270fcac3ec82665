/** Something that the person at the terminal has to know or to do: shown as it is, without a stack trace. */
export class Problem extends Error {
  override readonly name = 'Problem';
}

/** What to print of an error: a `Problem`'s own words, of anything else the stack. */
export function describeError(error: unknown): string {
  if (error instanceof Problem) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
