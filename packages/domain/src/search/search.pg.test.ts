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
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { moveBlock } from '../canvas/move-block.ts';
import { mutateBlocks } from '../canvas/mutate-blocks.ts';
import { restoreBlock } from '../canvas/restore-block.ts';
import { updateCanvasMeta } from '../canvas/update-canvas-meta.ts';
import { personCtx } from '../platform/testing/person.ts';
import { newId } from '../platform/uuid.ts';
import { search } from './search.ts';
import type { SearchHit, searchQuery } from './schemas.ts';

let t: TestDatabase;
let workspace: SeededWorkspace;
let canvas: SeededCanvas;
beforeAll(async () => {
  t = await createTestDatabase();
  workspace = await seedWorkspace(t.db);
  canvas = await seedCanvas(t.db, workspace, { title: 'Quarterly roadmap' });
});
afterAll(() => t.drop());

type Query = Omit<z.input<typeof searchQuery>, 'q'>;
const find = async (user_id: string, q: string, more: Query = {}): Promise<SearchHit[]> =>
  (await search(personCtx(t.db, user_id), { q, ...more })).items;
const ids = async (user_id: string, q: string, more: Query = {}): Promise<(string | null)[]> =>
  (await find(user_id, q, more)).map((hit) => hit.block_id);
const text = (words: string) => ({ content: { text: words } });

describe('words', () => {
  it.each([
    ['We are running three meetings', 'run meeting '],
    ['Kami menjalankan pertemuan', 'jalan temu '],
    ['makanan untuk rapat besok', 'makan '],
    ['The budgets were approved', 'budget '],
    ['kopi tubruk', 'kop'],
    ['a phrase that stands together', '"stands together"'],
    ['exactly one animal: heron', 'ostrich or heron '],
    ['the who', 'the '],
    ['Crème brûlée', 'crème'],
    ['mail potentia-bot@example.com', 'potentia-bot@example.com'],
    ["o'reilly wrote C:\\path\\to and a/b!'c", "o'reilly"],
  ])('%j is found by %j', async (words, q) => {
    const home = await seedCanvas(t.db, workspace);
    const { id } = await seedBlock(t.db, home, text(words));
    expect(await ids(home.user_id, q, { canvas_id: home.canvas_id })).toEqual([id]);
  });

  it('are all needed, save those that must not be there', async () => {
    const home = await seedCanvas(t.db, workspace);
    const one = await seedBlock(t.db, home, text('alpha dogs'));
    const both = await seedBlock(t.db, home, text('alpha cats beta'));
    const asked = (q: string): Promise<unknown> => ids(home.user_id, q, { canvas_id: home.canvas_id });
    expect(await asked('alpha beta ')).toEqual([both.id]);
    expect(await asked('alpha -dog')).toEqual([both.id]);
    expect(await asked('alpha -cats ')).toEqual([one.id]);
    expect(await asked('"beta alpha"')).toEqual([]);
  });

  it.each([
    [
      'table',
      {
        rows: [
          ['Item', 'Price'],
          ['zebrafish', '3'],
        ],
      },
    ],
    ['code', { text: 'const zebrafish = 1' }],
    ['image', { url: 'https://example.com/x.png', alt: 'a zebrafish' }],
    ['file', { url: '/x', name: 'zebrafish.pdf zebrafish' }],
    ['kanban', { columns: [{ name: 'Doing', cards: [{ caption: 'feed the zebrafish' }] }] }],
    ['html', { html: '<p class="x">zebrafish</p>' }],
  ])('of a block of type %s are found where its people see them', async (type, content) => {
    const home = await seedCanvas(t.db, workspace);
    const { id } = await seedBlock(t.db, home, { type, content });
    expect(await find(home.user_id, 'zebrafish', { canvas_id: home.canvas_id })).toMatchObject([
      { kind: 'block', block_id: id, block_type: type, fragment: expect.stringContaining('<mark>zebrafish') },
    ]);
  });

  it('that no person reads are not found', async () => {
    const home = await seedCanvas(t.db, workspace);
    await seedBlock(t.db, home, {
      type: 'widget',
      content: { url: 'https://aardvark.example.com', kind_of: { n: 1 } },
    });
    expect(await ids(home.user_id, 'aardvark', { canvas_id: home.canvas_id })).toEqual([]);
  });

  it('in titles and headings count for more', async () => {
    const home = await seedCanvas(t.db, workspace, { title: 'Pelican' });
    const plain = await seedBlock(t.db, home, text('pelican'));
    const heading = await seedBlock(t.db, home, { type: 'heading', content: { text: 'pelican', level: 1 } });
    const hits = await find(home.user_id, 'pelican ', { canvas_id: home.canvas_id });
    expect(hits.map(({ kind, block_id }) => [kind, block_id])).toEqual([
      ['canvas', null],
      ['block', heading.id],
      ['block', plain.id],
    ]);
    expect(hits[0]).toMatchObject({
      canvas_title: 'Pelican',
      fragment: '<mark>Pelican</mark>',
      workspace_id: home.workspace_id,
    });
    expect(await ids(home.user_id, 'pelican ', { types: 'heading' })).toEqual([heading.id]);
    expect(await ids(home.user_id, 'pelican ', { types: 'canvas' })).toEqual([null]);
  });

  it('are marked in text that is escaped', async () => {
    const home = await seedCanvas(t.db, workspace);
    await seedBlock(t.db, home, text('<img src=x onerror=alert(1)> \u{e000}narwhal\u{e001} & "co"'));
    const [hit] = await find(home.user_id, 'narwhal');
    expect(hit?.fragment).toBe('&lt;img src=x onerror=alert(1)&gt; <mark>narwhal</mark> &amp; &quot;co&quot;');
  });
});

describe('a fragment of a long text', () => {
  it('is where most of the words stand, and is not long', async () => {
    const home = await seedCanvas(t.db, workspace);
    const filler = 'lorem ipsum dolor sit amet '.repeat(300);
    await seedBlock(t.db, home, text(`heron ${filler} here the herons meet a badger ${filler}`));
    const [hit] = await find(home.user_id, 'heron badger ', { canvas_id: home.canvas_id });
    expect(hit?.fragment).toMatch(/^… .*here the <mark>herons<\/mark> meet a <mark>badger<\/mark> lorem .* …$/);
    expect(hit?.fragment.length).toBeLessThan(350);
  });

  it('costs little, also of a long phrase that is everywhere', async () => {
    const home = await seedCanvas(t.db, workspace);
    for (let n = 0; n < 20; n++) await seedBlock(t.db, home, text(`${n} ${'lorem ipsum dolor sit amet '.repeat(700)}`));
    const q = `"${'lorem ipsum dolor sit amet '.repeat(6)}"`;
    const began = performance.now();
    expect(await ids(home.user_id, q, { canvas_id: home.canvas_id })).toHaveLength(20);
    expect(performance.now() - began).toBeLessThan(2_000);
  });
});

describe('what is found', () => {
  it('follows every edit, the trash and a new title at once', async () => {
    const home = await seedCanvas(t.db, workspace);
    const ctx = personCtx(t.db, home.user_id);
    const block_id = newId();
    const ops = (op: object) =>
      mutateBlocks(ctx, { canvas_id: home.canvas_id, mutation_id: newId(), ops: [op as never] });
    const found = (q: string): Promise<unknown> => ids(home.user_id, q, { canvas_id: home.canvas_id });
    await ops({ op: 'create', block_id, type: 'text', content: { text: 'walrus' } });
    expect(await found('walrus')).toEqual([block_id]);
    await ops({ op: 'edit', block_id, version: 1, content: { text: 'seal' } });
    expect(await found('walrus')).toEqual([]);
    expect(await found('seal')).toEqual([block_id]);
    await ops({ op: 'edit', block_id, version: 2, content: { text: ' ' } });
    expect(await found('seal')).toEqual([]);
    await ops({ op: 'edit', block_id, version: 3, content: { text: 'seal' } });
    await ops({ op: 'delete', block_id, version: 4 });
    expect(await found('seal')).toEqual([]);
    await restoreBlock(ctx, { canvas_id: home.canvas_id, block_id, mutation_id: newId() });
    expect(await found('seal')).toEqual([block_id]);
    await updateCanvasMeta(ctx, { canvas_id: home.canvas_id, title: 'Otters' });
    expect(await found('otter ')).toEqual([null]);
  });

  it('is where a block was moved to, and no longer where it was', async () => {
    const [from, to] = [await seedCanvas(t.db, workspace), await seedCanvas(t.db, workspace)];
    const { id } = await seedBlock(t.db, from, text('lemur'));
    const move = { canvas_id: from.canvas_id, to_canvas_id: to.canvas_id, block_id: id, mutation_id: newId() };
    await moveBlock(personCtx(t.db, from.user_id), { ...move, parent_id: null });
    expect(await find(from.user_id, 'lemur')).toMatchObject([{ canvas_id: to.canvas_id, block_id: id }]);
  });

  it('is of archived canvases only on request, and of deleted workspaces never', async () => {
    const home = await seedCanvas(t.db, workspace, { archived_at: '2026-01-01T00:00:00Z' });
    const { id } = await seedBlock(t.db, home, text('quokka'));
    expect(await ids(home.user_id, 'quokka')).toEqual([]);
    expect(await ids(home.user_id, 'quokka', { include_archived: true })).toEqual([id]);
    const gone = await seedWorkspace(t.db, { user_id: workspace.owner_user_id });
    await seedBlock(t.db, await seedCanvas(t.db, gone), text('quokka'));
    await t.asOwner('update app.workspaces set deleted_at = now() where id = $1', [gone.workspace_id]);
    expect(await ids(home.user_id, 'quokka')).toEqual([]);
  });

  it('comes in pages that leave nothing out and repeat nothing', async () => {
    const home = await seedCanvas(t.db, workspace);
    const made = await Promise.all(
      Array.from({ length: 23 }, (_, n) => seedBlock(t.db, home, text(`ibis ${'x '.repeat(n % 3)}`))),
    );
    const seen: (string | null)[] = [];
    let cursor: string | undefined;
    do {
      const page = await search(personCtx(t.db, home.user_id), { q: 'ibis', limit: 5, cursor });
      seen.push(...page.items.map((hit) => hit.block_id));
      cursor = page.next_cursor ?? undefined;
    } while (cursor !== undefined);
    expect(seen).toHaveLength(23);
    expect(new Set(seen)).toEqual(new Set(made.map(({ id }) => id)));
  });
});

describe('who finds', () => {
  it('each what they may see by whatever path, and nobody else anything', async () => {
    const [open, closed] = [await seedCanvas(t.db, workspace), await seedCanvas(t.db, workspace)];
    const [in_open, in_closed] = [
      await seedBlock(t.db, open, text('okapi')),
      await seedBlock(t.db, closed, text('okapi')),
    ];
    const member = await addMember(t.db, workspace);
    const guest = await addMember(t.db, workspace, 'guest');
    const invited = await addCanvasAccess(t.db, open, 'viewer');
    const stranger = await seedUser(t.db);
    const all = [in_open.id, in_closed.id].toSorted();
    const sorted = async (who: { user_id: string }, more: Query = {}): Promise<unknown> =>
      (await ids(who.user_id, 'okapi', more)).toSorted();
    expect(await sorted({ user_id: workspace.owner_user_id })).toEqual(all);
    expect(await sorted(member)).toEqual(all);
    expect(await sorted(guest)).toEqual([]);
    await addCanvasAccess(t.db, open, 'viewer', guest);
    expect(await sorted(guest)).toEqual([in_open.id]);
    expect(await sorted(invited)).toEqual([in_open.id]);
    for (const more of [{}, { canvas_id: open.canvas_id }, { workspace_id: workspace.workspace_id }]) {
      expect(await sorted(stranger, more)).toEqual([]);
    }
    expect(await sorted(invited, { canvas_id: closed.canvas_id })).toEqual([]);
    expect(await sorted(guest, { workspace_id: workspace.workspace_id })).toEqual([in_open.id]);
    await t.asOwner('delete from app.canvas_access where user_id = $1', [invited.user_id]);
    await t.asOwner('delete from app.workspace_members where user_id = $1', [member.user_id]);
    expect(await sorted(invited)).toEqual([]);
    expect(await sorted(member)).toEqual([]);
  });

  it('nothing of a workspace whose tag is the same', async () => {
    const twin = `ffffffff-ffff-7fff-bfff-ffff${workspace.workspace_id.slice(-8)}`;
    const stranger = await seedUser(t.db);
    await t.asOwner('insert into app.workspaces (id, name, owner_user_id) values ($1, $2, $3)', [
      twin,
      'Twin',
      stranger.user_id,
    ]);
    const theirs = await seedCanvas(t.db, { workspace_id: twin, owner_user_id: stranger.user_id });
    const mine = await seedBlock(t.db, theirs, text('platypus'));
    const other = await seedBlock(t.db, canvas, text('platypus'));
    expect(await ids(stranger.user_id, 'platypus')).toEqual([mine.id]);
    expect(await ids(canvas.user_id, 'platypus')).toEqual([other.id]);
  });
});

describe('hostile input', () => {
  it.each(['', '   ', '-all', '"', '!&|()', 'x'.repeat(257), Array.from({ length: 33 }, (_, n) => n).join(' ')])(
    '%j is refused as the field q',
    async (q) => {
      const error = { code: 'request.invalid', meta: { errors: [{ pointer: '/q' }] } };
      await expect(find(canvas.user_id, q)).rejects.toMatchObject(error);
    },
  );

  it('is a query like any other', async () => {
    const strange = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 60 }),
      fc.string({
        unit: fc.constantFrom(
          "'",
          '"',
          '\\',
          '&',
          '|',
          '!',
          '(',
          ')',
          ':',
          '*',
          '<',
          '>',
          '-',
          'a',
          ' ',
          '/',
          '.',
          '@',
        ),
        maxLength: 60,
      }),
    );
    const home = await seedCanvas(t.db, workspace);
    await fc.assert(
      fc.asyncProperty(strange, strange, async (words, q) => {
        const safe = (value: string): string => value.replaceAll('\u0000', '').toWellFormed();
        await seedBlock(t.db, home, text(safe(words)));
        await find(home.user_id, `${safe(q)} a`.slice(0, 256)).catch((error: unknown) =>
          expect(error).toMatchObject({ code: 'request.invalid' }),
        );
      }),
      { numRuns: 150 },
    );
  });

  it('of any length in a block is stored, and its first words are found', async () => {
    const home = await seedCanvas(t.db, workspace);
    const monster = `tapir ${'m'.repeat(5_000)} ${'é'.repeat(2_040)} `;
    const { id } = await seedBlock(t.db, home, text(monster + 'word '.repeat(8_000)));
    expect(await ids(home.user_id, 'tapir', { canvas_id: home.canvas_id })).toEqual([id]);
  });
});
