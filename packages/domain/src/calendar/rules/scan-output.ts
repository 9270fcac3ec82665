import type { RuleFields } from './rule-fields.ts';

/** Steps that one expansion may take: periods that it looks at, and occurrences that it makes. */
export const STEP_BUDGET = 200_000;

/**
 * Steps that a series may take when it is written, to find where it begins and ends. That is half of the other, and takes every
 * occurrence that COUNT gives and every override in its place; so a window of up to 500 days of what was written never exceeds
 * `STEP_BUDGET`, whatever overrides were moved into it, and nobody's schedule spoils what others ask.
 */
export const WRITE_BUDGET = STEP_BUDGET / 2;

/** A rule that takes more steps than it may: hostile, or with a window that is too large for it. */
export class BudgetExceeded extends Error {
  override readonly name = 'BudgetExceeded';
  constructor() {
    super('The rule takes too long to expand');
  }
}

/** What is left of an expansion's steps. */
export interface Budget {
  steps: number;
}

/** Throws BudgetExceeded when so many steps are not left. */
export function spend(budget: Budget, steps: number): void {
  budget.steps -= steps;
  if (budget.steps < 0) throw new BudgetExceeded();
}

/** What of a rule is wanted. All times are wall clocks, read as UTC. */
export interface Scan {
  rule: RuleFields;
  /** The start of the series. */
  start: number;
  /** What is before it is counted (COUNT), but not handed out. -Infinity: everything is. */
  from: number;
  /** Exclusive; finite. */
  to: number;
  budget: Budget;
}

/** Where a scan puts what it finds, in order: it begins at the start, counts, and leaves out what nobody wants. */
export class Output {
  private readonly start: number;
  private readonly from: number;
  private readonly to: number;
  private readonly emit: (local: number) => boolean;
  /** Of COUNT. */
  private left: number;

  constructor({ rule, start, from, to }: Scan, emit: (local: number) => boolean) {
    this.start = start;
    this.from = from;
    this.to = to;
    this.emit = emit;
    this.left = rule.count ?? Infinity;
  }

  /** The next occurrence. False: no other is wanted. */
  put(local: number): boolean {
    if (local < this.start) return true;
    if (local >= this.to) return false;
    this.left--;
    return (local < this.from || this.emit(local)) && this.left > 0;
  }

  /** So many after the start and before what is wanted. False: no other is wanted. */
  skip(occurrences: number): boolean {
    this.left -= occurrences;
    return this.left > 0;
  }
}
