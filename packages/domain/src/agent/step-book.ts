import { createHash } from 'node:crypto';
import { type LedgerItem, type LedgerOp, type SettleOp, settleStep, type StepOutcome } from './ledger.ts';
import type { JudgeInput, ModelPort, ModelReport } from './model.ts';
import type { Prompt } from './prompt.ts';

interface OpenStep {
  began_at: number;
  inputHash: (() => string) | undefined;
  /** What it will have taken if nobody says so: asked when it is cut off. */
  estimate: (() => ModelReport | null) | undefined;
}

/** SHA-256, hex, of what a model is given. */
export const inputHash = (input: JudgeInput | Prompt): string =>
  createHash('sha256').update(JSON.stringify(input)).digest('hex');

/** The steps of a turn that hold a reservation, so that however it ends each is settled once. */
export class StepBook {
  readonly #model: ModelPort;
  readonly #open = new Map<string, OpenStep>();
  /** Settled, and not known to be stored: a step settles once, so it may be said again. */
  readonly #owed = new Map<string, LedgerOp>();

  constructor(model: ModelPort) {
    this.#model = model;
  }

  /** A step holds its reservation from here on, and its model is asked now. `inputHash` is worked out when it is settled. */
  open(step_id: string, more: { inputHash?: () => string; estimate?: () => ModelReport | null } = {}): void {
    this.#open.set(step_id, {
      began_at: performance.now(),
      inputHash: more.inputHash,
      estimate: more.estimate,
    });
  }

  /** What a step took; without a report what it is estimated to have taken. */
  settle(step_id: string, outcome: StepOutcome, report: ModelReport | null, error_code?: string): SettleOp {
    const step = this.#open.get(step_id);
    this.#open.delete(step_id);
    const op = settleStep(this.#model, {
      step_id,
      outcome,
      latency_ms: step ? performance.now() - step.began_at : 0,
      report: report ?? step?.estimate?.() ?? null,
      ...(step?.inputHash && { input_hash: step.inputHash() }),
      ...(error_code !== undefined && { error_code }),
    });
    this.#owed.set(step_id, op);
    return op;
  }

  /** What stands in a step's prompt. Written with what comes next into the ledger: nothing that is said waits for it. */
  note(step_id: string, items: LedgerItem[]): void {
    this.#owed.set(`items ${step_id}`, { op: 'items', step_id, items });
  }

  /** Everything that was settled or noted so far and is not known to be stored. */
  get owed(): LedgerOp[] {
    return [...this.#owed.values()];
  }

  /** Everything that was settled so far stands in the ledger. */
  stored(): void {
    this.#owed.clear();
  }

  /** The rest of them. */
  settleAll(outcome: StepOutcome, report: ModelReport | null, error_code?: string): void {
    for (const step_id of [...this.#open.keys()]) this.settle(step_id, outcome, report, error_code);
  }
}
