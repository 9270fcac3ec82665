import type { Db } from '@potentia/db/client';
import {
  findMessageOwners,
  putBlockTerms,
  putMessageTerms,
  readBlockTexts,
  readMessageWindows,
  type BlockRef,
  type WindowRow,
} from '@potentia/db/chat/search-queries';
import { asSystem } from '@potentia/db/context';
import { textTerms, windowTerms } from './rules/window-terms.ts';

/** Messages or blocks of one owner in one transaction, which holds the lock of that owner's index. */
const BATCH = 200;

/**
 * Makes the words of these messages findable, and makes anew what their neighbours are found by. Doing it again changes nothing; a
 * message that is gone is passed over. Each owner's are a transaction, in which they are read under the lock of that owner's index: of
 * two that index neighbours at once, the second sees what the first saw. How many messages are found by something else than before.
 */
export async function indexMessages(db: Db, message_ids: string[]): Promise<number> {
  const by_owner = new Map<string, string[]>();
  for (const { message_id, user_id } of await findMessageOwners(db, message_ids))
    by_owner.set(user_id, [...(by_owner.get(user_id) ?? []), message_id]);
  let changed = 0;
  for (const [user_id, ids] of by_owner)
    for (const batch of batches(ids)) changed += await indexBatch(db, user_id, batch);
  return changed;
}

const indexBatch = (db: Db, user_id: string, message_ids: string[]): Promise<number> =>
  asSystem(db, 'chat.index_messages', async (tx) => {
    const rows = await readMessageWindows(tx, user_id, message_ids);
    const targets = new Set(rows.filter((row) => row.is_target).map((row) => row.message_id));
    if (targets.size === 0) return 0;
    const messages = runs(rows)
      .flatMap((run) => windowTerms(run))
      .filter((message) => targets.has(message.message_id))
      .map(({ message_id, terms }) => ({ message_id, terms }));
    return putMessageTerms(tx, user_id, messages);
  });

/** Stretches of messages that follow each other: between two stretches there are others, which were not read. */
function runs(rows: WindowRow[]): WindowRow[][] {
  const all: WindowRow[][] = [];
  rows.forEach((row, at) => {
    const before = rows[at - 1];
    if (before !== undefined && before.message_id === row.previous_id) all.at(-1)?.push(row);
    else all.push([row]);
  });
  return all;
}

/** Makes the words of these blocks findable, or no longer, when they are in the trash or gone. How many are found by something else. */
export async function indexBlocks(db: Db, blocks: (BlockRef & { workspace_id: string })[]): Promise<number> {
  const by_workspace = new Map<string, BlockRef[]>();
  for (const { workspace_id, canvas_id, block_id } of blocks)
    by_workspace.set(workspace_id, [...(by_workspace.get(workspace_id) ?? []), { canvas_id, block_id }]);
  let changed = 0;
  for (const [workspace_id, refs] of by_workspace)
    for (const batch of batches(refs))
      changed += await asSystem(db, 'chat.index_blocks', async (tx) => {
        const texts = await readBlockTexts(tx, workspace_id, batch);
        const found = texts.map(({ canvas_id, block_id, content }) => ({
          canvas_id,
          block_id,
          terms: content === null ? null : textTerms(content),
        }));
        return putBlockTerms(tx, workspace_id, found);
      });
  return changed;
}

const batches = <T>(items: T[]): T[][] =>
  Array.from({ length: Math.ceil(items.length / BATCH) }, (_, n) => items.slice(n * BATCH, (n + 1) * BATCH));
