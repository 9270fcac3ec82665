import { changeMemory, findKnownMemories, getMemory, type MemoryRow } from '@potentia/db/chat/memory-queries';
import { type Tx, withContext } from '@potentia/db/context';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { AppError } from '../platform/errors.ts';
import { invalidField, parseInput } from '../platform/parse.ts';
import { publishEmbeddingHint } from './embedding-hint.ts';
import { type Memory, MEMORY_LIMITS, updateMemoryInput } from './memory-schemas.ts';
import { memoryRow, memoryWords } from './remember.ts';
import { analyse } from './rules/analyse.ts';
import { checkValidity } from './check-validity.ts';
import { isSameAttribute } from './rules/near-duplicate.ts';

type Input = z.output<typeof updateMemoryInput>;

/**
 * Changes a memory by hand, in its place: its history holds what was superseded, not what was corrected. Other words are the
 * caller's own from then on. Throws `memory.not_found`, `memory.superseded`, `memory.duplicate`, `memory.too_many_pinned`,
 * `memory.version_conflict` (conflict by `version`, precondition by `expected_version`; with `current`).
 */
export async function updateMemory(ctx: UserCtx, input: z.input<typeof updateMemoryInput>): Promise<Memory> {
  const parsed = parseInput(updateMemoryInput, input);
  const { user_id } = ctx.actor;
  const updated = await fromDb(() => withContext(ctx.db, { user_id }, (tx) => updateWithin(ctx, tx, parsed)));
  publishEmbeddingHint(ctx);
  return updated;
}

async function updateWithin(ctx: UserCtx, tx: Tx, input: Input): Promise<Memory> {
  const { memory_id, expected_version, version, ...patch } = input;
  const { user_id } = ctx.actor;
  const before = await getMemory(tx, { user_id, memory_id });
  const subject = patch.subject ?? before.subject;
  const stems = [...new Set(analyse(patch.content ?? before.content).stems)];
  const { known } = await findKnownMemories(tx, { user_id, subject, stems, also: null });
  // Read again under the lock.
  const current = await getMemory(tx, { user_id, memory_id });
  checkVersion(current, { version, expected_version });
  if (current.superseded_at !== null)
    throw new AppError('conflict', 'memory.superseded', 'Something newer took its place', { current });
  if (patch.kind !== undefined && current.kind === 'memory') throw invalidField('/kind', 'A memory stays one');
  const next = { ...current, ...defined(patch) };
  const is_reworded = next.content !== current.content;
  const row = {
    ...memoryRow({ ...next, ...(is_reworded ? { source: 'manual', quote: null } : {}) }),
    id: current.id,
    version: current.version,
  };
  const twin = known.find(
    (other) => other.id !== row.id && (other.content_hash === row.content_hash || claims(row, other)),
  );
  if (twin)
    throw new AppError('conflict', 'memory.duplicate', 'Something else says so already', { memory_id: twin.id });
  checkValidity(next);
  const changed = Object.keys(defined(patch));
  return changeMemory(tx, {
    ...{ user_id, row, changed, bounds: MEMORY_LIMITS, request_id: ctx.request_id },
    words: memoryWords(row),
  });
}

function checkVersion(
  current: MemoryRow,
  { version, expected_version }: Pick<Input, 'version' | 'expected_version'>,
): void {
  const message = 'The memory was changed meanwhile';
  if (expected_version !== undefined && expected_version !== current.version)
    throw new AppError('precondition', 'memory.version_conflict', message, { current });
  if (version !== undefined && version !== current.version)
    throw new AppError('conflict', 'memory.version_conflict', message, { current });
}

interface Keyed {
  kind: string;
  attribute: string | null;
}

/** Whether both are of one attribute, of which only one is valid. */
const claims = (row: Keyed, other: Keyed): boolean =>
  row.kind !== 'memory' &&
  other.kind !== 'memory' &&
  row.attribute !== null &&
  other.attribute !== null &&
  isSameAttribute(row.attribute, other.attribute);

const defined = <T extends object>(patch: T): { [Key in keyof T]: Exclude<T[Key], undefined> } =>
  Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined)) as {
    [Key in keyof T]: Exclude<T[Key], undefined>;
  };
