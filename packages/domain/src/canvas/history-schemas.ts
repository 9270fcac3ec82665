import { z } from 'zod';
import { cursor, id, pageLimit, pageOf, timestamp } from '../platform/schemas.ts';
import { block, movedBlock, mutationResult, title, version } from './schemas.ts';

// Blocks on the way: between places and canvases, into the trash and out of it, back to what they were.

const mutation_id = id.describe('Made by the client; sent again, it is applied once and answered the same');

export const transferBlockBody = z
  .strictObject({
    mutation_id,
    to_canvas_id: id.optional().describe('Another canvas of the same workspace; absent: the same canvas'),
    parent_id: id.nullable().default(null),
    after_id: id.nullable().optional().describe('The sibling to follow; null: first; absent: last'),
  })
  .meta({ id: 'CopyBlock' });

export const moveBlockBody = transferBlockBody
  .extend({ version: version.optional().describe('Only if the block is still at this version') })
  .meta({ id: 'MoveBlock' });

export const transferResult = mutationResult
  .extend({ canvas_id: id.describe('The canvas that the mutation is of, and where the blocks are now') })
  .meta({ id: 'TransferResult' });
export type TransferResult = z.infer<typeof transferResult>;

export const restoreBlockBody = z.strictObject({ mutation_id }).meta({ id: 'RestoreBlock' });

export const revertBlockBody = z
  .strictObject({ mutation_id, version: version.describe('The newest version that you know of') })
  .meta({ id: 'RestoreBlockVersion' });

export const blockVersion = z
  .strictObject({
    version,
    op: z.enum(['create', 'edit', 'move', 'delete', 'restore', 'copy']),
    seq: z.int().min(1),
    user_id: id.nullable(),
    at: timestamp,
    block: z
      .union([block, movedBlock])
      .nullable()
      .describe('As this version left it: without `content` for a move, null for a deletion'),
  })
  .meta({ id: 'BlockVersion' });

export const historyPage = pageOf(blockVersion).meta({ id: 'BlockHistoryPage' });
export type HistoryPage = z.infer<typeof historyPage>;

export const trashItem = z
  .strictObject({
    block_id: id,
    type: z.string(),
    preview: z.string().describe('Its first words'),
    version,
    deleted_at: timestamp,
    deleted_by: id,
    purge_at: timestamp.describe('When it goes for good'),
    below: z.int().min(0).describe('Blocks that went with it'),
  })
  .meta({ id: 'TrashItem' });

export const trashPage = pageOf(trashItem).meta({ id: 'TrashPage' });
export type TrashPage = z.infer<typeof trashPage>;

export const pageQuery = z.strictObject({ cursor, limit: pageLimit() });

export const duplicateCanvasBody = z
  .strictObject({ title: title.optional().describe('Absent: that of the source, marked as a copy') })
  .meta({ id: 'DuplicateCanvas' });

const onBlock = { canvas_id: id, block_id: id };
export const copyBlockInput = transferBlockBody.extend(onBlock);
export const moveBlockInput = moveBlockBody.extend(onBlock);
export const restoreBlockInput = restoreBlockBody.extend(onBlock);
export const revertBlockInput = revertBlockBody.extend({ ...onBlock, to_version: z.coerce.number().pipe(version) });
export const historyInput = pageQuery.extend(onBlock);
export const trashInput = pageQuery.extend({ canvas_id: id });
export const duplicateCanvasInput = duplicateCanvasBody.extend({ canvas_id: id });
