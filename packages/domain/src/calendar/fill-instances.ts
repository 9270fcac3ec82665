import {
  type ExpansionRow,
  finishInstances,
  type InstanceChunk,
  type InstanceColumns,
  pruneInstances,
  writeInstances,
} from '@potentia/db/calendar/instance-queries';
import type { Ctx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { AppError } from '../platform/errors.ts';
import { boundsOf } from './rules/horizon.ts';
import type { Occurrence } from './rules/series.ts';
import { zoneFingerprint } from './rules/zones.ts';

/** Rows that one statement writes: some tenths of a second, for which it holds nothing that an edit waits for. */
const CHUNK_ROWS = 50_000;
/** Readers of one statement, however few occurrences there are. */
const CHUNK_READERS = 5_000;
/** Milliseconds until another process, with other zone tables, may have taken the work over. */
const OTHER_ZONES_MS = 30_000;
const PRUNE_ROWS = 20_000;

/** What an operator sees of the rows that jobs write. */
export interface InstanceMetrics {
  observe(rows: { written: number; deleted: number }): void;
}

export type InstanceCtx = Ctx & { instances: InstanceMetrics };

/** A window of one schedule that is to be filled and opened. */
export interface InstanceWindow {
  schedule_id: string;
  found: ExpansionRow;
  /** ISO 8601 or ±infinity: of which the occurrences are all, and what is open afterwards. */
  written: { from: string; until: string };
  open: { from: string; until: string };
  occurrences: Occurrence[];
}

/**
 * Writes the instances of every reader in chunks, each a statement of its own, then opens the window; readers who came meanwhile
 * get theirs first. A row that is right is not written again, so whoever begins anew after a crash does only what is missing, and
 * two at once do no harm. False: another worker, or a newer version of the schedule, was faster.
 */
export async function fillInstances(ctx: InstanceCtx, window: InstanceWindow): Promise<boolean> {
  const { found, open } = window;
  const state = {
    schedule_id: window.schedule_id,
    sequence: found.sequence,
    since: found.materialised_until,
    fingerprint: checkZone(found),
  };
  const bounds = boundsOf(found.series);
  const columns = toColumns(window.occurrences);
  const readers: string[] = [];
  let is_shared = false;
  let missing = { readers: found.readers, is_shared: found.is_shared };
  for (;;) {
    if (!(await writeReaders(ctx, { ...state, ...window.written, ...columns }, missing))) return false;
    readers.push(...missing.readers);
    is_shared ||= missing.is_shared;
    const finished = await fromDb(() =>
      finishInstances(ctx.db, {
        ...state,
        ...open,
        readers,
        is_shared,
        first_at: toIso(bounds?.first_at),
        last_at: toIso(bounds?.last_at),
        tz_version: process.versions.tz ?? '',
      }),
    );
    if (finished.state !== 'missing') return finished.state === 'covered';
    missing = { readers: finished.missing, is_shared: finished.is_shared_missing };
  }
}

/** Deletes the rows of those who read the schedule no more, or all when it is gone. */
export async function pruneReaders(ctx: InstanceCtx, schedule_id: string): Promise<void> {
  for (;;) {
    const deleted = await fromDb(() => pruneInstances(ctx.db, { schedule_id, limit: PRUNE_ROWS }));
    ctx.instances.observe({ written: 0, deleted });
    if (deleted < PRUNE_ROWS) return;
  }
}

const toIso = (ms: number | null | undefined): string | null => (ms == null ? null : new Date(ms).toISOString());

function toColumns(occurrences: Occurrence[]): InstanceColumns {
  return {
    recurrence_ids: occurrences.map(({ recurrence_id }) => recurrence_id),
    starts: occurrences.map(({ starts_at }) => new Date(starts_at).toISOString()),
    ends: occurrences.map(({ ends_at }) => new Date(ends_at).toISOString()),
    overrides: occurrences.map(({ is_override }) => is_override),
  };
}

/** False: a chunk found that the work is not wanted any more; nothing more was written. */
async function writeReaders(
  ctx: InstanceCtx,
  rows: Omit<InstanceChunk, 'readers' | 'is_shared'>,
  { readers, is_shared }: Pick<InstanceChunk, 'readers' | 'is_shared'>,
): Promise<boolean> {
  const size = Math.min(CHUNK_READERS, Math.max(1, Math.floor(CHUNK_ROWS / Math.max(1, rows.starts.length))));
  const chunks: Pick<InstanceChunk, 'readers' | 'is_shared'>[] = is_shared ? [{ readers: [], is_shared }] : [];
  for (let n = 0; n < readers.length; n += size) chunks.push({ readers: readers.slice(n, n + size), is_shared: false });
  for (const chunk of chunks) {
    const { is_wanted, written, deleted } = await fromDb(() => writeInstances(ctx.db, { ...rows, ...chunk }));
    ctx.instances.observe({ written, deleted });
    if (!is_wanted) return false;
  }
  return true;
}

/**
 * The fingerprint of the zone of a series. While old and new processes run side by side, only those work whose zone tables are the
 * ones that were found last: else rows by others would be taken for right.
 */
function checkZone({ series, fingerprint }: ExpansionRow): string | null {
  if (series.time_zone === null) return null;
  const ours = zoneFingerprint(series.time_zone);
  if (fingerprint === null || fingerprint === ours) return ours;
  throw new AppError('unavailable', 'calendar.zones_differ', 'The rules of the zone are being changed', {
    retry_after_ms: OTHER_ZONES_MS,
  });
}
