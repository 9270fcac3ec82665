import { afterAll, beforeAll, expect, test } from 'vitest';
import { assertDatabase } from './assert-database.ts';
import { migrate, type MigrationReport } from './migrate.ts';
import { migrationFiles } from './sql-files.ts';
import { createTestDatabase, type TestDatabase } from './testing/database.ts';

/*
 * What migrations are for: a database that people have worked in. Here it has the tables of the first migration alone, with
 * rows in all of them that a later one has to carry along.
 */

const id = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
const [owner, member, workspace, canvas, personal] = [id(1), id(2), id(3), id(4), id(10)];
const [live, child, trashed, below, gone] = [id(5), id(6), id(7), id(8), id(9)];

let t: TestDatabase;
let report: MigrationReport;
beforeAll(async () => {
  t = await createTestDatabase();
  await takeBack(t);
  await populate(t);
  report = await migrate(t.owner_url);
});
afterAll(() => t.drop());

/** Leaves of the schema what the first migration makes. */
async function takeBack({ asOwner }: TestDatabase): Promise<void> {
  const [first] = migrationFiles();
  if (!first) throw new Error('there is no migration');
  await asOwner('set role potentia_owner');
  await asOwner('drop schema app, wa cascade');
  await asOwner('create schema app');
  await asOwner(`create table app.migrations (
    name text primary key, checksum text not null, applied_at timestamptz not null default now())`);
  await asOwner(`comment on table app.migrations is 'family: private.'`);
  await asOwner(first.text);
  await asOwner('insert into app.migrations (name, checksum) values ($1, $2)', [first.name, first.checksum]);
}

async function populate({ asOwner }: TestDatabase): Promise<void> {
  await asOwner(
    `insert into app.users (id, email, name) values ($1, 'a@example.com', 'A'), ($2, 'b@example.com', 'B')`,
    [owner, member],
  );
  await asOwner('insert into app.user_heads (user_id) values ($1), ($2)', [owner, member]);
  await asOwner(`insert into app.workspaces (id, name, owner_user_id) values ($1, 'Acme', $2)`, [workspace, owner]);
  await asOwner(`insert into app.workspaces (id, name, owner_user_id, is_personal) values ($1, 'Personal', $2, true)`, [
    personal,
    owner,
  ]);
  await asOwner(`insert into app.workspace_members (workspace_id, user_id, role) values ($1, $2, 'member')`, [
    workspace,
    member,
  ]);
  await asOwner(`insert into app.canvases (id, workspace_id, title, created_by) values ($1, $2, 'Zebra plan', $3)`, [
    canvas,
    workspace,
    owner,
  ]);
  await asOwner('insert into app.canvas_heads (canvas_id, workspace_id, seq) values ($1, $2, 3)', [canvas, workspace]);
  const block = (
    block_id: string,
    parent_id: string | null,
    rank: string,
    version: number,
    deleted_at: string | null,
  ) =>
    asOwner(
      `insert into app.blocks
         (workspace_id, canvas_id, id, parent_id, type, content, rank, version, created_by, updated_by, deleted_at)
       values ($1, $2, $3, $4, 'text', '{"text": "stripes"}', $5, $6, $7, $7, $8)`,
      [workspace, canvas, block_id, parent_id, rank, version, owner, deleted_at],
    );
  await block(live, null, 'a0', 1, null);
  await block(child, live, 'a0', 1, null);
  await block(trashed, null, 'a1', 2, '2026-11-01T10:00:00Z');
  await block(below, trashed, 'a0', 2, '2026-11-01T10:00:00Z');
  const event = (seq: number, ops: object[]) =>
    asOwner(
      `insert into app.canvas_events
         (workspace_id, canvas_id, seq, type, mutation_id, request_hash, actor_user_id, request_id, payload, created_at)
       values ($1, $2, $3, 'blocks.mutated', gen_random_uuid(), 'h', $4, 'r', $5::text::json, now())`,
      [workspace, canvas, seq, owner, JSON.stringify({ ops })],
    );
  await event(
    1,
    [live, child, trashed, below].map((block_id) => ({ op: 'create', block: { id: block_id, version: 1 } })),
  );
  await event(2, [{ op: 'delete', block_id: trashed, block_ids: [trashed, below] }]);
  await event(3, [{ op: 'create', block: { id: gone, version: 1, content: { text: 'secret' } } }]);
}

test('every later migration and every repeatable file is applied, and what comes out is what a new database has', async () => {
  const names = migrationFiles().map((file) => file.name);
  expect(report.applied).toEqual(expect.arrayContaining(names.slice(1)));
  expect(report.applied).not.toContain(names[0]);
  await assertDatabase(t.db);
  expect(await migrate(t.owner_url)).toEqual({ applied: [], dropped: [] });
});

test('people, roles and blocks are where they were', async () => {
  expect(await t.db.call('select app.get_canvas_role($1, $2) as role', [member, canvas])).toEqual([{ role: 'editor' }]);
  const [row] = await t.db.call<{ snapshot: string }>('select app.get_canvas_snapshot($1, $2) as snapshot', [
    owner,
    canvas,
  ]);
  const { blocks, seq } = JSON.parse(row?.snapshot ?? '') as { blocks: { id: string }[]; seq: number };
  expect([seq, blocks.map((block) => block.id)]).toEqual([3, [live, child]]);
});

test('everybody has a calendar in their personal space, as those who come later', async () => {
  const calendars = await t.db.call('select calendar, id from app.list_calendars($1, null, null, null, 9)', [owner]);
  expect(calendars).toMatchObject([
    { calendar: { name: 'Calendar', workspace_id: personal, role: 'owner', affects_busy: true, time_zone: 'UTC' } },
  ]);
  expect(await t.db.call('select app.default_calendar($1) as id', [owner])).toMatchObject([
    { id: (calendars as { id: string }[])[0]?.id },
  ]);
});

test('a block that was in the trash is there, with what went with it', async () => {
  expect(await t.asOwner('select id, trashed_with from app.blocks where deleted_at is not null order by id')).toEqual([
    { id: trashed, trashed_with: trashed },
    { id: below, trashed_with: trashed },
  ]);
});

test('the history of a block reaches back to before there was one', async () => {
  expect(
    await t.asOwner('select block_id, version, op from app.block_versions where block_id = any ($1) order by 1, 2', [
      [live, trashed],
    ]),
  ).toEqual([
    { block_id: live, version: 1, op: 'create' },
    { block_id: trashed, version: 1, op: 'create' },
    { block_id: trashed, version: 2, op: 'delete' },
  ]);
});

test('what events tell of a block that is there no more is due to be taken out of them', async () => {
  expect(await t.asOwner('select block_id, seq::int, due_at <= now() as is_due from app.departed_versions')).toEqual([
    { block_id: gone, seq: 3, is_due: true },
  ]);
});

test('what was written before there was a search is found', async () => {
  const documents = await t.asOwner('select block_id from app.search_documents order by block_id nulls first');
  expect(documents).toEqual([{ block_id: null }, { block_id: live }, { block_id: child }]);
});
