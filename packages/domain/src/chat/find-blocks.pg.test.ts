import { findRelevantBlocks, type FoundBlockRow } from '@potentia/db/chat/search-queries';
import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import {
  addCanvasAccess,
  addMember,
  seedBlock,
  seedCanvas,
  seedUser,
  seedWorkspace,
  type SeededCanvas,
  type SeededWorkspace,
} from '@potentia/db/testing/seed';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { indexBlocks } from './index-subjects.ts';
import { queryTerms } from './rules/query.ts';

let t: TestDatabase;
let workspace: SeededWorkspace;
let canvas: SeededCanvas;
beforeAll(async () => {
  t = await createTestDatabase();
});
afterAll(() => t.drop());
beforeEach(async () => {
  workspace = await seedWorkspace(t.db);
  canvas = await seedCanvas(t.db, workspace, { title: 'Zoo' });
});

async function write(where: SeededCanvas, words: string): Promise<string> {
  const { id } = await seedBlock(t.db, where, { content: { text: words } });
  const { workspace_id, canvas_id } = where;
  await indexBlocks(t.job_db, [{ workspace_id, canvas_id, block_id: id }]);
  return id;
}

const find = (user_id: string, words: string, options: object = {}): Promise<FoundBlockRow[]> =>
  findRelevantBlocks(t.db, { user_id, query: queryTerms(words), vector: null, model: null, limit: 10, options });
const ids = async (user_id: string, words: string): Promise<string[]> =>
  (await find(user_id, words)).map(({ block_id }) => block_id);

it('blocks are found by their words, in any language, with where they stand', async () => {
  const id = await write(canvas, 'The herons are fed with fish every morning');
  await write(canvas, 'Kami memberi makan walrus');
  expect(await find(canvas.user_id, 'Who feeds a heron?')).toMatchObject([
    {
      block_id: id,
      canvas_id: canvas.canvas_id,
      canvas_title: 'Zoo',
      leg: 'lexical',
      content: 'The herons are fed with fish every morning',
    },
  ]);
  expect(await ids(canvas.user_id, 'makanan walrus')).toHaveLength(1);
});

it('whoever may see the canvas now finds them, nobody else does', async () => {
  const id = await write(canvas, 'A platypus');
  const member = await addMember(t.db, workspace);
  const guest = await addMember(t.db, workspace, 'guest');
  const invited = await addCanvasAccess(t.db, canvas, 'viewer');
  const elsewhere = await addCanvasAccess(t.db, await seedCanvas(t.db, workspace), 'viewer');
  const stranger = await seedUser(t.db);
  const seen = await Promise.all(
    [member, guest, invited, elsewhere, stranger].map(({ user_id }) => ids(user_id, 'platypus')),
  );
  expect(seen).toEqual([[id], [], [id], [], []]);

  await t.asOwner('delete from app.canvas_access where user_id = $1', [invited.user_id]);
  await t.asOwner('delete from app.workspace_members where user_id = $1', [member.user_id]);
  expect(await ids(invited.user_id, 'platypus')).toEqual([]);
  expect(await ids(member.user_id, 'platypus')).toEqual([]);
  await t.asOwner('update app.workspaces set deleted_at = now() where id = $1', [workspace.workspace_id]);
  expect(await ids(canvas.user_id, 'platypus')).toEqual([]);
});

it('by their meaning they are found by the same people, and by vectors of the same model alone', async () => {
  const vector = Array.from({ length: 768 }, (_, at) => Number(at === 0));
  const embed = (block_id: string, { workspace_id, canvas_id }: SeededCanvas, model = 'm'): Promise<unknown> =>
    t.asOwner(
      `insert into app.block_embeddings (workspace_id, canvas_id, block_id, model, dimensions, embedding)
       values ($1, $2, $3, $4, 768, ($5::text)::halfvec)`,
      [workspace_id, canvas_id, block_id, model, JSON.stringify(vector)],
    );
  const near = async (user_id: string): Promise<string[]> => {
    const asked = { user_id, query: [], vector, model: 'm', limit: 10, options: {} };
    return (await findRelevantBlocks(t.db, asked)).map(({ block_id }) => block_id);
  };
  const [id, other] = [await write(canvas, 'A wombat'), await write(canvas, 'Of another model')];
  const closed = await seedCanvas(t.db, workspace);
  const hidden = await write(closed, 'A wombat, too');
  await Promise.all([embed(id, canvas), embed(other, canvas, 'other'), embed(hidden, closed)]);
  const invited = await addCanvasAccess(t.db, canvas, 'viewer');
  const stranger = await seedUser(t.db);
  expect((await near(canvas.user_id)).sort()).toEqual([id, hidden].sort());
  expect(await near(invited.user_id)).toEqual([id]);
  expect(await near(stranger.user_id)).toEqual([]);
  await t.asOwner('update app.canvases set archived_at = now() where id = $1', [canvas.canvas_id]);
  expect(await near(invited.user_id)).toEqual([]);
});

it('not what is in the trash, not even before that is indexed, nor what is in an archived canvas', async () => {
  const id = await write(canvas, 'A narwhal');
  await t.asOwner('update app.blocks set deleted_at = now(), trashed_with = id where id = $1', [id]);
  expect(await ids(canvas.user_id, 'narwhal')).toEqual([]);
  await t.asOwner('update app.blocks set deleted_at = null, trashed_with = null where id = $1', [id]);
  expect(await ids(canvas.user_id, 'narwhal')).toEqual([id]);
  await t.asOwner('update app.canvases set archived_at = now() where id = $1', [canvas.canvas_id]);
  expect(await ids(canvas.user_id, 'narwhal')).toEqual([]);
});

it('a block that moves to another canvas is found there, by whoever sees that', async () => {
  const id = await write(canvas, 'A gecko');
  const other = await seedCanvas(t.db, workspace, { title: 'Terrarium' });
  const invited = await addCanvasAccess(t.db, other, 'viewer');
  expect(await ids(invited.user_id, 'gecko')).toEqual([]);
  await t.asOwner('update app.blocks set canvas_id = $2 where id = $1', [id, other.canvas_id]);
  expect(await ids(invited.user_id, 'gecko')).toEqual([id]);
});

it('of several workspaces the best of all comes first, or of one alone', async () => {
  const other = await seedWorkspace(t.db);
  const second = await seedCanvas(t.db, other);
  await addMember(t.db, other, 'member', { user_id: canvas.user_id });
  await write(
    canvas,
    'Notes on nothing in particular, with a lynx somewhere in a very long text about the weather and food and trains',
  );
  const id = await write(second, 'Lynx');
  expect(await ids(canvas.user_id, 'lynx')).toHaveLength(2);
  const alone = await find(canvas.user_id, 'lynx', { workspace_id: other.workspace_id });
  expect(alone.map(({ block_id }) => block_id)).toEqual([id]);
});
