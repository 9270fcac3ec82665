import type { LoggedEvent } from './run-log.ts';

/** Some entries of a run's events, and where to read on. */
export interface EventsPage {
  events: LoggedEvent[];
  cursor: string;
}

/**
 * The events of runs for readers on other replicas. It may lose some, or all: what must not be lost is in Postgres, and a reader that
 * sees a gap waits for that.
 */
export interface RunEvents {
  /** Never throws, never waits. */
  append(run_id: string, events: LoggedEvent[]): void;
  /** What there is after `cursor` (`'0'`: from the beginning); null: it cannot be known. Never rejects. */
  read(run_id: string, cursor: string): Promise<EventsPage | null>;
}
