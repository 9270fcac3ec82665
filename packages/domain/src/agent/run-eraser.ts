/** Lets go of what Redis still holds of runs, before its time. */
export interface RunEraser {
  /** False: it is away. Never rejects. */
  erase(run_ids: readonly string[]): Promise<boolean>;
}
