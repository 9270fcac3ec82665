import { z } from 'zod';
import { cursor, id, pageLimit, pageOf, timestamp } from '../platform/schemas.ts';
import { checkBounds, checkContent, findBadValue, safeText, type BlockContent } from './rules/content.ts';
import { canvas_roles, grantable_roles } from './rules/roles.ts';

/** Operations in one mutation from a client. */
export const MAX_OPS = 500;
/** Blocks that one import makes. */
export const MAX_IMPORT_BLOCKS = 2_000;
/** UTF-16 units of a Markdown document to import. */
export const MAX_MARKDOWN = 512_000;

export const title = safeText(200);
const icon = safeText(64).nullable();
export const block_type = z
  .string()
  .regex(/^[a-z][a-z0-9_-]{0,63}$/, 'Lower-case letters, digits, "_" and "-", starting with a letter, at most 64');
export const version = z.int().min(1);

export const canvasRole = z.enum(canvas_roles).meta({ id: 'CanvasRole' });
export const grantableRole = z.enum(grantable_roles).meta({ id: 'GrantableRole' });

// Outputs

export const canvas = z
  .strictObject({
    id,
    workspace_id: id,
    title: z.string(),
    icon: z.string().nullable(),
    version,
    is_personal: z.boolean(),
    role: canvasRole,
    archived_at: timestamp.nullable(),
    created_by: id.nullable(),
    created_at: timestamp,
    updated_at: timestamp,
  })
  .meta({ id: 'Canvas' });
export type Canvas = z.infer<typeof canvas>;

export const content = z.record(z.string(), z.unknown()).meta({
  id: 'BlockContent',
  description: 'JSON object, at most 64 KB. Known types have a schema; `text` holds inline Markdown.',
});

export const block = z
  .strictObject({
    id,
    canvas_id: id,
    parent_id: id.nullable(),
    type: z.string(),
    content,
    rank: z.string().describe('Order among siblings: compare by code unit, then by id'),
    version,
    created_by: id.nullable(),
    updated_by: id.nullable(),
    created_at: timestamp,
    updated_at: timestamp,
  })
  .meta({ id: 'Block' });
export type Block = z.infer<typeof block>;

export const movedBlock = block
  .omit({ content: true })
  .meta({ id: 'MovedBlock', description: 'A block after a move, which leaves its content as it was' });

export const snapshot = z
  .strictObject({ canvas, epoch: id, seq: z.int().min(0), blocks: z.array(block) })
  .meta({ id: 'CanvasSnapshot' });
export type Snapshot = z.infer<typeof snapshot>;

export const canvasPage = pageOf(canvas).meta({ id: 'CanvasPage' });
export type CanvasPage = z.infer<typeof canvasPage>;

export const blockPage = pageOf(block).meta({ id: 'BlockPage' });

export const canvasMember = z
  .strictObject({
    user_id: id,
    name: z.string().nullable(),
    email: z.string().nullable(),
    role: canvasRole,
    source: z.enum(['owner', 'workspace', 'invitation']),
  })
  .meta({ id: 'CanvasMember' });
export type CanvasMember = z.infer<typeof canvasMember>;

export const memberList = z.strictObject({ items: z.array(canvasMember) }).meta({ id: 'CanvasMemberList' });

export const permissions = z
  .strictObject({ role: canvasRole, can_write: z.boolean(), members: z.array(canvasMember) })
  .meta({ id: 'CanvasPermissions' });
export type Permissions = z.infer<typeof permissions>;

export const access = z.strictObject({ user_id: id, role: grantableRole.nullable() }).meta({ id: 'CanvasAccess' });
export type Access = z.infer<typeof access>;

export const opResult = z
  .discriminatedUnion('op', [
    z.strictObject({ op: z.enum(['create', 'edit']), block }),
    z.strictObject({ op: z.literal('move'), block: movedBlock }),
    z.strictObject({ op: z.enum(['copy', 'restore']), block_id: id, blocks: z.array(block) }),
    z.strictObject({
      op: z.literal('delete'),
      block_id: id,
      block_ids: z.array(id).describe('Of more than 1,000 only `block_id`: the others stand below it'),
    }),
  ])
  .meta({ id: 'BlockOpResult' });

export const mutationResult = z
  .strictObject({
    mutation_id: id,
    epoch: id,
    seq: z.int().min(1),
    replayed: z.boolean().describe('True when this mutation had been applied before'),
    ops: z.array(opResult),
  })
  .meta({ id: 'MutationResult' });
export type MutationResult = z.infer<typeof mutationResult>;

// Inputs: each is the body of its HTTP route; verbs take it together with the ids of the path.

export const createCanvasBody = z
  .strictObject({
    workspace_id: id.optional().describe('Absent: your personal space'),
    title: title.default(''),
    icon: icon.default(null),
  })
  .meta({ id: 'CreateCanvas' });

export const updateCanvasMetaBody = z
  .strictObject({ title: title.optional(), icon: icon.optional() })
  .refine((body) => body.title !== undefined || body.icon !== undefined, 'Give title, icon or both')
  .meta({ id: 'UpdateCanvasMeta' });

export const listCanvasesQuery = z.strictObject({
  cursor,
  limit: pageLimit(),
  include_archived: z.stringbool().or(z.boolean()).default(false),
});
export const listBlocksQuery = z.strictObject({ cursor, limit: pageLimit() });

export const createOp = z
  .strictObject({
    op: z.literal('create'),
    block_id: id.optional().describe('Absent: made by the server. Later operations of the batch may name it.'),
    parent_id: id.nullable().default(null),
    after_id: id.nullable().optional().describe('The sibling to follow; null: first; absent: last'),
    type: block_type,
    content,
  })
  .superRefine((op, issues) => addContentFaults(issues, checkContent(op.type, op.content)))
  .meta({ id: 'CreateBlockOp' });

export const editOp = z
  .strictObject({
    op: z.literal('edit'),
    block_id: id,
    version: version.describe('The version that this edit was made on'),
    type: block_type.optional(),
    content: content.describe('Replaces the whole content'),
  })
  .superRefine((op, issues) => {
    addContentFaults(issues, op.type ? checkContent(op.type, op.content) : checkBounds(op.content));
  })
  .meta({ id: 'EditBlockOp' });

export const moveOp = z
  .strictObject({
    op: z.literal('move'),
    block_id: id,
    version,
    parent_id: id.nullable().default(null),
    after_id: id.nullable().optional().describe('The sibling to follow; null: first; absent: last'),
  })
  .meta({ id: 'MoveBlockOp' });

export const deleteOp = z
  .strictObject({ op: z.literal('delete'), block_id: id, version })
  .meta({ id: 'DeleteBlockOp', description: 'The block and everything below it goes to the trash' });

export const copyOp = z
  .strictObject({
    op: z.literal('copy'),
    block_id: id.describe('What is copied, with everything below it'),
    copy_id: id
      .optional()
      .describe('Of the copy. Absent: made by the server. Later operations of the batch may name it.'),
    parent_id: id.nullable().default(null),
    after_id: id.nullable().optional().describe('The sibling to follow; null: first; absent: last'),
  })
  .meta({ id: 'CopyBlockOp' });

export const restoreOp = z.strictObject({ op: z.literal('restore'), block_id: id }).meta({
  id: 'RestoreBlockOp',
  description:
    'Out of the trash, with what went there with it, to its place; to the end of the top level where its parent is gone',
});

export const blockOp = z
  .discriminatedUnion('op', [createOp, editOp, moveOp, copyOp, deleteOp, restoreOp])
  .meta({ id: 'BlockOp' });
export type BlockOp = z.infer<typeof blockOp>;
export type BlockOpInput = z.input<typeof blockOp>;
/** What verbs make up beside: an old version made new, and a move from whatever version there is, alone in its mutation. */
export type SystemOp =
  | BlockOp
  | { op: 'revert'; block_id: string; version: number; to_version: number }
  | (Omit<z.infer<typeof moveOp>, 'version'> & { version: null });

export const mutateBlocksBody = z
  .strictObject({
    mutation_id: id.describe('Made by the client; sent again, it is applied once and answered the same'),
    ops: z.array(blockOp).min(1).max(MAX_OPS),
  })
  .meta({ id: 'MutateBlocks' });

/** Any small JSON: what a cursor or a selection is, is between clients. */
const ephemeral = z.unknown().superRefine((value, issues) => {
  // Not z.json(): it recurses as deep as the value does, which can be deeper than the stack.
  const fault = findBadValue(value);
  if (fault) issues.addIssue({ code: 'custom', ...fault });
  else if (JSON.stringify(value).length > 2_048) issues.addIssue('Larger than 2048 characters');
});

export const presenceBody = z
  .strictObject({ cursor: ephemeral.optional(), selection: ephemeral.optional(), name: safeText(80).optional() })
  .meta({ id: 'Presence' });

export const setAccessBody = z.strictObject({ user_id: id, role: grantableRole }).meta({ id: 'SetCanvasAccess' });
export const changeAccessBody = z.strictObject({ role: grantableRole }).meta({ id: 'ChangeCanvasAccess' });

export const importMarkdownBody = z
  .strictObject({
    markdown: safeText(MAX_MARKDOWN),
    parent_id: id.nullable().default(null),
    after_id: id.nullable().optional(),
  })
  .meta({ id: 'ImportMarkdown' });

const onCanvas = { canvas_id: id };
/** Several verbs need nothing but the canvas. */
export const canvasRef = z.strictObject(onCanvas);
export const blockRef = z.strictObject({ ...onCanvas, block_id: id });
export const memberRef = z.strictObject({ ...onCanvas, user_id: id });

const expected_version = version.optional().describe('From If-Match');
export const updateCanvasMetaInput = updateCanvasMetaBody.safeExtend({ ...onCanvas, expected_version });
export const removeCanvasInput = z.strictObject({ ...onCanvas, expected_version });
export const listBlocksInput = listBlocksQuery.extend(onCanvas);
export const mutateBlocksInput = mutateBlocksBody.extend(onCanvas);
export const publishPresenceInput = presenceBody.extend(onCanvas);
export const setAccessInput = z.strictObject({
  ...onCanvas,
  user_id: id,
  role: grantableRole.nullable(),
  only_invited: z.boolean().default(false),
});
export const importMarkdownInput = importMarkdownBody.extend(onCanvas);

function addContentFaults(
  issues: z.core.$RefinementCtx<{ content?: BlockContent }>,
  faults: { path: PropertyKey[]; message: string }[],
): void {
  for (const { path, message } of faults) {
    issues.addIssue({ code: 'custom', path: ['content', ...path], message });
  }
}
