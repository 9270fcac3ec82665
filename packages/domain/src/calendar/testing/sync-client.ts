import type { z } from 'zod';
import type { UserCtx } from '../../platform/ctx.ts';
import { AppError } from '../../platform/errors.ts';
import { type SyncOccurrence, type SyncPage, syncPage, type syncQuery, type SyncSchedule } from '../sync-schemas.ts';
import { syncSchedules } from '../sync-schedules.ts';

type Query = z.input<typeof syncQuery>;

/** A client that keeps a copy of what it may see, and does with each page what the documentation says. */
export class SyncClient {
  token: string | null = null;
  calendars: SyncPage['calendars'] = [];
  readonly schedules = new Map<string, SyncSchedule>();
  readonly busy = new Map<string, SyncPage['busy'][number]['blocks']>();

  /** Reads all pages, the first time or since the last. `between` runs after each page but the last. */
  async synchronise(ctx: UserCtx, { limit, between }: { limit: number; between?: () => Promise<void> }): Promise<void> {
    try {
      await this.#read(ctx, this.token === null ? { limit } : { limit, sync_token: this.token }, between);
    } catch (error) {
      if (!(error instanceof AppError && error.code === 'sync.token_expired')) throw error;
      this.schedules.clear();
      this.busy.clear();
      await this.#read(ctx, { limit }, between);
    }
  }

  async #read(ctx: UserCtx, query: Query, between?: () => Promise<void>): Promise<void> {
    let page = syncPage.parse(await syncSchedules(ctx, query));
    this.#take(page);
    while (page.next_cursor !== null) {
      await between?.();
      page = syncPage.parse(await syncSchedules(ctx, { cursor: page.next_cursor, limit: query.limit }));
      this.#take(page);
    }
    this.token = page.sync_token;
  }

  #take(page: SyncPage): void {
    for (const calendar_id of page.calendars_removed) {
      this.busy.delete(calendar_id);
      for (const [id, schedule] of this.schedules) if (schedule.calendar_id === calendar_id) this.schedules.delete(id);
    }
    for (const id of page.removed) this.schedules.delete(id);
    for (const schedule of page.changed) this.schedules.set(schedule.schedule_id, schedule);
    for (const schedule of page.entered) {
      const had = this.schedules.get(schedule.schedule_id)?.occurrences ?? [];
      const names = new Set(schedule.occurrences.map(({ recurrence_id }) => recurrence_id));
      const kept = had.filter(({ recurrence_id }) => !names.has(recurrence_id));
      this.schedules.set(schedule.schedule_id, { ...schedule, occurrences: [...kept, ...schedule.occurrences] });
    }
    for (const { calendar_id, blocks } of page.busy) this.busy.set(calendar_id, blocks);
    if (page.calendars) this.calendars = page.calendars;
    this.#dropPast(Date.parse(page.window.from));
  }

  #dropPast(from: number): void {
    for (const [id, schedule] of this.schedules) {
      const occurrences = schedule.occurrences.filter((occurrence) => {
        const [start, end] = timesOf(occurrence);
        return end > from || (start === end && start >= from);
      });
      if (occurrences.length === 0) this.schedules.delete(id);
      else this.schedules.set(id, { ...schedule, occurrences });
    }
  }

  /** All that it holds, to be compared. */
  held(): object {
    const byText = (a: object, b: object): number => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);
    return {
      calendars: this.calendars?.toSorted(byText),
      schedules: [...this.schedules.values()]
        .map((schedule) => ({ ...schedule, occurrences: schedule.occurrences.toSorted(byText) }))
        .toSorted((a, b) => (a.schedule_id < b.schedule_id ? -1 : 1)),
      busy: [...this.busy].filter(([, blocks]) => blocks.length > 0).toSorted(byText),
    };
  }
}

/** Of wall clocks read as UTC. */
function timesOf({ starts_at, ends_at, starts_local, ends_local }: SyncOccurrence): [number, number] {
  const read = (local: string): number => Date.parse(local.includes('T') ? `${local}Z` : local);
  return [
    starts_at === null ? read(starts_local) : Date.parse(starts_at),
    ends_at === null ? read(ends_local) : Date.parse(ends_at),
  ];
}
