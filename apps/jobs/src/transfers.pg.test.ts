import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { randomBytes, randomUUID } from 'node:crypto';
import { addMember, seedUser, seedWorkspace, type SeededWorkspace } from '@potentia/db/testing/seed';
import { archiveCanvas } from '@potentia/domain/canvas/archive-canvas';
import { exportMarkdown } from '@potentia/domain/canvas/export-markdown';
import { listAttachments } from '@potentia/domain/canvas/list-attachments';
import { listCanvases } from '@potentia/domain/canvas/list-canvases';
import { mutateBlocks } from '@potentia/domain/canvas/mutate-blocks';
import { AppError } from '@potentia/domain/platform/errors';
import { createExport } from '@potentia/domain/workspace/create-export';
import { createImport } from '@potentia/domain/workspace/create-import';
import { getExport, getImport } from '@potentia/domain/workspace/get-transfer';
import { exportWorkspace } from '@potentia/domain/workspace/run-export';
import { importWorkspace } from '@potentia/domain/workspace/run-import';
import { startImport } from '@potentia/domain/workspace/start-import';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type FilesKit, startFilesKit } from './testing/files.ts';
import { exportAll as exportOf, importAll as importTo, jobOf, upload as uploadTo } from './testing/transfers.ts';
import { makeZip, readZip, type ZipEntry } from './testing/zip.ts';

const PNG = Buffer.concat([
  Buffer.from('89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489', 'hex'),
  randomBytes(5_000),
]);

let kit: FilesKit;
beforeAll(async () => {
  kit = await startFilesKit({ ATTACHMENT_MAX_BYTES: '5000000', TRANSFER_MAX_BYTES: '20000000' });
});
afterAll(() => kit[Symbol.asyncDispose]());

const newWorkspace = (): Promise<SeededWorkspace> => seedWorkspace(kit.database.db);

const exportAll = (workspace: SeededWorkspace) => exportOf(kit, workspace);
const upload = (workspace: SeededWorkspace, zip: Buffer) => uploadTo(kit, workspace, zip);
const importAll = (workspace: SeededWorkspace, zip: Buffer) => importTo(kit, workspace, zip);

/** Everything of a workspace that a transfer should carry, without ids. */
async function contentOf({ workspace_id, owner_user_id }: SeededWorkspace) {
  const ctx = { ...kit.as(owner_user_id), markdown: kit.context.ports.markdown };
  const { items } = await listCanvases(ctx, { include_archived: true, limit: 200 });
  const canvases = await Promise.all(
    items
      .filter((canvas) => canvas.workspace_id === workspace_id)
      .map(async ({ id: canvas_id, title, icon, archived_at }) => {
        const files = (await listAttachments(ctx, { canvas_id, limit: 200 })).items;
        const names = new Map(files.map(({ id, name }) => [id, name]));
        const { markdown } = await exportMarkdown(ctx, { canvas_id });
        const contents = await Promise.all(
          files.map(async ({ name, media_type, download }) => ({
            name,
            media_type,
            body: Buffer.from(await (await fetch(download!.url)).arrayBuffer()).toString('base64'),
          })),
        );
        return {
          title,
          icon,
          is_archived: archived_at !== null,
          markdown: markdown.replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, (id) => names.get(id) ?? id),
          files: contents.sort((a, b) => (a.name < b.name ? -1 : 1)),
        };
      }),
  );
  return canvases.sort((a, b) => (a.title < b.title ? -1 : 1));
}

describe('an export and its import', () => {
  test('bring the same canvases and files into an empty workspace', async () => {
    const home = await newWorkspace();
    const { owner_user_id: owner, workspace_id } = home;
    await kit.makeCanvas(owner, { workspace_id, title: 'Empty', icon: '🌱' });
    const rich = await kit.makeCanvas(owner, { workspace_id, title: 'Ümlaut / "quoted": a * title' }, [
      { op: 'create', type: 'heading', content: { text: 'Über', level: 2 } },
      { op: 'create', type: 'todo', content: { text: 'one', checked: true } },
      { op: 'create', type: 'code', content: { text: '# no heading\n---', language: 'md' } },
      { op: 'create', type: 'chart', content: { unknown: [1, { a: '-->' }] } },
    ]);
    const picture = await kit.attach(owner, rich, { name: 'a b%.png', media_type: 'image/png', body: PNG });
    const text = await kit.attach(owner, rich, {
      name: 'notes.txt',
      media_type: 'text/plain',
      body: Buffer.from('hi'),
    });
    await mutateBlocks(kit.as(owner), {
      canvas_id: rich,
      mutation_id: randomUUID(),
      ops: [
        { op: 'create', type: 'image', content: { attachment_id: picture, alt: 'pic' } },
        { op: 'create', type: 'file', content: { attachment_id: text, name: 'notes.txt', size: 2 } },
        { op: 'create', type: 'image', content: { url: 'https://example.com/x.png' } },
      ],
    });
    const archived = await kit.makeCanvas(owner, { workspace_id, title: 'Old' }, [
      { op: 'create', type: 'text', content: { text: 'kept' } },
    ]);
    await archiveCanvas(kit.as(owner), { canvas_id: archived });

    const { zip } = await exportAll(home);
    const paths = [...(await readZip(zip)).keys()];
    expect(paths).toContain('manifest.json');
    expect(paths.filter((path) => path.endsWith('.md'))).toHaveLength(3);
    expect(paths.filter((path) => path.startsWith('attachments/'))).toHaveLength(2);
    const document = [...(await readZip(zip))].find(([path]) => path.includes('mlaut'))![1].toString();
    expect(document).toMatch(/!\[pic\]\(\.\.\/attachments\/[0-9a-f]{12}\/a-b\.png\)/);

    const target = await newWorkspace();
    const done = await importAll(target, zip);
    expect(done).toMatchObject({ status: 'finished', problems: [], done: 5, total: 5 });
    expect(await contentOf(target)).toEqual(await contentOf(home));
    const again = await exportAll(target);
    expect([...(await readZip(again.zip)).keys()]).toHaveLength(paths.length);
  });

  test('carry a canvas that is too long to be read at once', async () => {
    const home = await newWorkspace();
    const { owner_user_id: owner, workspace_id } = home;
    const canvas_id = await kit.makeCanvas(owner, { workspace_id, title: 'Long' });
    for (let i = 0; i < 5; i++) {
      const ops = Array.from({ length: 500 }, (_, n) => ({
        op: 'create' as const,
        type: 'list',
        content: { text: `item ${i * 500 + n}`, style: 'ordered' },
      }));
      await mutateBlocks(kit.as(owner), { canvas_id, mutation_id: randomUUID(), ops });
    }
    const { zip } = await exportAll(home);
    const target = await newWorkspace();
    expect(await importAll(target, zip)).toMatchObject({ status: 'finished', problems: [] });
    expect(await contentOf(target)).toEqual(await contentOf(home));
  });

  test('run twice make nothing twice, also where one died half-way', async () => {
    const home = await newWorkspace();
    for (const title of ['one', 'two', 'three']) {
      const canvas_id = await kit.makeCanvas(home.owner_user_id, { workspace_id: home.workspace_id, title }, [
        { op: 'create', type: 'text', content: { text: title } },
      ]);
      await kit.attach(home.owner_user_id, canvas_id, { name: `${title}.png`, media_type: 'image/png', body: PNG });
    }
    const { zip } = await exportAll(home);
    const target = await newWorkspace();
    const transfer_id = await upload(target, zip);
    // The store breaks off at each call in turn: the job dies there, and is begun again.
    let runs = 0;
    for (let left = 1; ; left++) {
      let calls = 0;
      const { objects } = kit.context.ports;
      const breaking = new Proxy(objects, {
        get:
          (from, name: keyof typeof objects) =>
          async (...args: never[]) => {
            if (++calls > left) throw new AppError('unavailable', 'objects.unavailable', 'died');
            return (from[name] as (...all: never[]) => unknown)(...args);
          },
      });
      runs++;
      const ended = await importWorkspace({ ...kit.job_ctx, objects: breaking }, jobOf(transfer_id)).then(
        () => true,
        () => false,
      );
      if (ended) break;
    }
    expect(runs).toBeGreaterThan(5);
    const done = await getImport(kit.as(target.owner_user_id), { workspace_id: target.workspace_id, transfer_id });
    expect(done).toMatchObject({ status: 'finished', problems: [], done: 6, total: 6 });
    expect(await contentOf(target)).toEqual(await contentOf(home));
    await importWorkspace(kit.job_ctx, jobOf(transfer_id));
    expect(await contentOf(target)).toEqual(await contentOf(home));
  });

  test('tell the person of their progress and end, and are audited', async () => {
    const home = await newWorkspace();
    await kit.makeCanvas(home.owner_user_id, { workspace_id: home.workspace_id, title: 'x' });
    const { id } = await exportAll(home);
    const events = await kit.database.asOwner<{ payload: object }>(
      `select payload from app.outbox where topic = 'me.deliver' and payload ->> 'transfer_id' = $1 order by id`,
      [id],
    );
    expect(events.map(({ payload }) => payload)).toEqual([
      expect.objectContaining({ type: 'transfer.progress', user_id: home.owner_user_id, done: 1, total: 1 }),
      expect.objectContaining({ type: 'transfer.finished', user_id: home.owner_user_id, status: 'finished' }),
    ]);
    const audit = await kit.database.asOwner(
      'select action from app.audit_logs where target_id = $1 order by created_at',
      [id],
    );
    expect(audit).toEqual([{ action: 'transfer.create' }, { action: 'transfer.finish' }]);
  });
});

describe('access', () => {
  test('is for admins: members and guests 403, strangers as if there were no workspace', async () => {
    const home = await newWorkspace();
    const { workspace_id } = home;
    const { id: transfer_id } = await exportAll(home);
    const people = await Promise.all([
      addMember(kit.database.db, home, 'member'),
      addMember(kit.database.db, home, 'guest'),
      seedUser(kit.database.db),
    ]);
    for (const [i, { user_id }] of people.entries()) {
      const ctx = kit.as(user_id);
      const refusal = { code: i < 2 ? 'workspace.forbidden' : 'workspace.not_found' };
      await expect(createExport(ctx, { workspace_id })).rejects.toMatchObject(refusal);
      await expect(getExport(ctx, { workspace_id, transfer_id })).rejects.toMatchObject(refusal);
      await expect(createImport(ctx, { workspace_id, size: 100 })).rejects.toMatchObject(refusal);
      await expect(startImport(ctx, { workspace_id, transfer_id })).rejects.toMatchObject(refusal);
    }
    const admin = await addMember(kit.database.db, home, 'admin');
    expect(await getExport(kit.as(admin.user_id), { workspace_id, transfer_id })).toMatchObject({ status: 'finished' });
    const other = await newWorkspace();
    const foreign = getExport(kit.as(other.owner_user_id), { workspace_id: other.workspace_id, transfer_id });
    await expect(foreign).rejects.toMatchObject({ code: 'transfer.not_found' });
  });

  test('lost before the job runs ends it with that reason, and nothing is written', async () => {
    const home = await newWorkspace();
    await kit.makeCanvas(home.owner_user_id, { workspace_id: home.workspace_id, title: 'secret' });
    const { zip } = await exportAll(home);
    const admin = await addMember(kit.database.db, home, 'admin');
    const { result } = await createExport(kit.as(admin.user_id), { workspace_id: home.workspace_id });
    const transfer_id = await upload({ ...home, owner_user_id: admin.user_id }, zip);
    await addMember(kit.database.db, home, 'member', admin);
    await exportWorkspace(kit.job_ctx, jobOf(result.id));
    await importWorkspace(kit.job_ctx, jobOf(transfer_id));
    const owner = kit.as(home.owner_user_id);
    const { workspace_id } = home;
    const failed = { status: 'failed', failure: { code: 'transfer.access_lost' } };
    expect(await getExport(owner, { workspace_id, transfer_id: result.id })).toMatchObject({
      ...failed,
      download: null,
    });
    expect(await getImport(owner, { workspace_id, transfer_id })).toMatchObject(failed);
    expect(await contentOf(home)).toHaveLength(1);
  });

  test('lost half-way ends an import there', async () => {
    const home = await newWorkspace();
    const entries = Array.from({ length: 5 }, (_, i): ZipEntry => ({ path: `${i}.md`, body: `# ${i}` }));
    const admin = await addMember(kit.database.db, home, 'admin');
    const transfer_id = await upload({ ...home, owner_user_id: admin.user_id }, await makeZip(entries));
    const { markdown } = kit.context.ports;
    let parsed = 0;
    const demoting: typeof markdown = {
      ...markdown,
      parse: async (...args) => {
        if (++parsed === 3) await addMember(kit.database.db, home, 'guest', admin);
        return markdown.parse(...args);
      },
    };
    await importWorkspace({ ...kit.job_ctx, markdown: demoting }, jobOf(transfer_id));
    const owner = kit.as(home.owner_user_id);
    expect(await getImport(owner, { workspace_id: home.workspace_id, transfer_id })).toMatchObject({
      status: 'failed',
      failure: { code: 'transfer.access_lost' },
    });
    expect((await contentOf(home)).filter(({ markdown: text }) => text !== '')).toHaveLength(2);
  });
});

describe('a zip of somebody else', () => {
  test('becomes a canvas for each document, with the pictures that it shows', async () => {
    const home = await newWorkspace();
    const zip = await makeZip([
      { path: 'notes/My day.md', body: '# Day\n\n![it](../pics/a%20b.png)\n\n![gone](../pics/none.png)\n' },
      { path: 'pics/a b.png', body: PNG },
      { path: '__MACOSX/notes/._My day.md', body: 'x' },
      { path: 'readme.txt', body: 'x' },
    ]);
    expect(await importAll(home, zip)).toMatchObject({ status: 'finished', problems: [] });
    expect(await contentOf(home)).toMatchObject([
      {
        title: 'My day',
        markdown: expect.stringContaining('![it](attachment:a b.png)'),
        files: [{ name: 'a b.png', media_type: 'image/png' }],
      },
    ]);
  });

  test('with files that cannot be taken over is imported without them, and says which', async () => {
    const home = await newWorkspace();
    const zip = await makeZip([
      { path: 'good.md', body: 'good' },
      { path: 'deep.md', body: '> '.repeat(60) + 'deep' },
      { path: 'fake.md', body: '![x](fake.png)' },
      { path: 'fake.png', body: 'not a picture' },
    ]);
    const done = await importAll(home, zip);
    expect(done.status).toBe('finished');
    expect(done.problems).toEqual([
      { path: 'deep.md', code: 'transfer.file_refused', message: expect.any(String) },
      { path: 'fake.png', code: 'transfer.file_refused', message: 'It is not image/png' },
    ]);
    expect((await contentOf(home)).map(({ title }) => title)).toEqual(['deep', 'fake', 'good']);
  });
});

describe('a hostile manifest', () => {
  const importWith = async (canvases: object[], entries: ZipEntry[]) => {
    const home = await newWorkspace();
    const manifest = { format: 'potentia-workspace', version: 1, exported_at: '', canvases };
    const zip = await makeZip([{ path: 'manifest.json', body: JSON.stringify(manifest) }, ...entries]);
    return { home, done: await importAll(home, zip) };
  };

  test.each(['audio/mpeg\r\nx-evil: 1', 'audio/é', 'audio/<script>', 'audio/ x'])(
    'that calls a file %j ends, without the file',
    async (media_type) => {
      const body = Buffer.concat([Buffer.from('49443304000000000000fffb9000', 'hex'), Buffer.alloc(400)]);
      const file = { id: 'x', path: 'files/a.mp3', name: 'a.mp3', media_type, size: body.length };
      const { home, done } = await importWith(
        [{ id: 'a', path: 'a.md', title: 'a', attachments: [file] }],
        [
          { path: 'a.md', body: 'x' },
          { path: 'files/a.mp3', body },
        ],
      );
      expect(done).toMatchObject({
        status: 'finished',
        problems: [{ path: 'files/a.mp3', code: 'transfer.file_refused' }],
      });
      expect(await contentOf(home)).toMatchObject([{ title: 'a', files: [] }]);
    },
  );

  test('that parts a document into more than any export makes is imported without it', async () => {
    const { home, done } = await importWith(
      [{ id: 'a', path: 'a.md', title: 'a', part_mark: 'x' }],
      [{ path: 'a.md', body: 'y\nx\n'.repeat(3_000) }],
    );
    expect(done).toMatchObject({ status: 'finished', problems: [{ path: 'a.md', code: 'transfer.file_refused' }] });
    expect(await contentOf(home)).toEqual([]);
  });

  test('that names what Postgres cannot write ends, and says so in what it can', async () => {
    const { done } = await importWith([{ id: 'a', path: 'a\0\ud800.md', title: '\0\ud800' }], []);
    expect(done).toMatchObject({
      status: 'finished',
      problems: [{ path: 'a\ufffd.md', code: 'transfer.file_refused' }],
    });
  });
});

describe('a hostile zip is refused as a whole', () => {
  const refusedWith = async (zip: Buffer, message: RegExp): Promise<void> => {
    const home = await newWorkspace();
    const done = await importAll(home, zip);
    expect(done).toMatchObject({ status: 'failed', failure: { code: 'transfer.zip_refused' } });
    expect(done.failure!.message).toMatch(message);
    expect(await contentOf(home)).toEqual([]);
  };

  test('what is no zip', () => refusedWith(randomBytes(5_000), /no zip/));
  test('one that was cut off', async () => {
    const zip = await makeZip([{ path: 'a.md', body: randomBytes(2_000) }]);
    await refusedWith(zip.subarray(0, -30), /no zip/);
  });
  test('a bomb', async () => {
    await refusedWith(await makeZip([{ path: 'a.md', body: Buffer.alloc(5_000_000) }]), /bomb/);
  });
  test('more than an import may be, unpacked', async () => {
    const body = Buffer.concat([randomBytes(100_000), Buffer.alloc(4_900_000)]);
    const entries = Array.from({ length: 17 }, (_, i): ZipEntry => ({ path: `${i}.bin`, body }));
    await refusedWith(await makeZip(entries), /larger than an import/);
  });
  test.each(['../a.md', '/a.md', 'a/../../b.md', 'C:/a.md', 'a\\b.md'])('one that names %s', async (path) => {
    await refusedWith(await makeZip([{ path: 'x'.repeat(path.length), body: 'x' }], path), /no zip/);
  });
  test('one that says that a file is smaller than it is', async () => {
    const home = await newWorkspace();
    const zip = await makeZip([{ path: 'a.md', body: 'x'.repeat(50_000) }]);
    // The size in the directory, which is the last 50000 of the file.
    const size = Buffer.alloc(4);
    size.writeUInt32LE(50_000);
    const at = zip.lastIndexOf(size);
    zip.writeUInt32LE(10, at);
    const done = await importAll(home, zip);
    expect(done.problems).toMatchObject([{ path: 'a.md', code: 'transfer.file_refused' }]);
    expect(await contentOf(home)).toEqual([]);
  });
  test('one whose manifest names a document twice', async () => {
    const canvas = { id: 'x', path: 'a.md', title: 'a' };
    const manifest = { format: 'potentia-workspace', version: 1, exported_at: '', canvases: [canvas, canvas] };
    const entries = [
      { path: 'a.md', body: 'x' },
      { path: 'manifest.json', body: JSON.stringify(manifest) },
    ];
    await refusedWith(await makeZip(entries), /twice/);
  });
  test('one with a broken manifest', async () => {
    await refusedWith(await makeZip([{ path: 'manifest.json', body: '{"format":' }]), /manifest/);
  });
});

test('of one owner’s workspaces one after the other is exported, and of another’s meanwhile', async () => {
  const [first, other] = [await newWorkspace(), await newWorkspace()];
  const second = await seedWorkspace(kit.database.db, { user_id: first.owner_user_id });
  const ask = async (home: SeededWorkspace) =>
    (await createExport(kit.as(home.owner_user_id), { workspace_id: home.workspace_id })).result.id;
  const statusOf = async (home: SeededWorkspace, transfer_id: string) =>
    (await getExport(kit.as(home.owner_user_id), { workspace_id: home.workspace_id, transfer_id })).status;
  const asked = { first: await ask(first), second: await ask(second), other: await ask(other) };
  await kit.database.asOwner(`update app.transfers set status = 'running', started_at = now() where id = $1`, [
    asked.first,
  ]);
  await exportWorkspace(kit.job_ctx, jobOf(asked.second));
  await exportWorkspace(kit.job_ctx, jobOf(asked.other));
  expect([await statusOf(second, asked.second), await statusOf(other, asked.other)]).toEqual(['queued', 'finished']);
  const queued = () =>
    kit.database.asOwner(
      `select id from app.outbox where topic = 'workspace.export' and payload ->> 'transfer_id' = $1`,
      [asked.second],
    );
  const before = (await queued()).length;
  await exportWorkspace(kit.job_ctx, jobOf(asked.first));
  expect((await queued()).length).toBe(before + 1);
  await exportWorkspace(kit.job_ctx, jobOf(asked.second));
  expect(await statusOf(second, asked.second)).toBe('finished');
});

test('one of a kind runs at a time, and what nobody uploaded is not started', async () => {
  const home = await newWorkspace();
  const ctx = kit.as(home.owner_user_id);
  const { workspace_id } = home;
  await createExport(ctx, { workspace_id });
  await expect(createExport(ctx, { workspace_id })).rejects.toMatchObject({ code: 'transfer.running' });
  const { result } = await createImport(ctx, { workspace_id, size: 100 });
  const start = startImport(ctx, { workspace_id, transfer_id: result.import.id });
  await expect(start).rejects.toMatchObject({ code: 'transfer.not_uploaded' });
  await expect(createImport(ctx, { workspace_id, size: 20_000_001 })).rejects.toMatchObject({
    code: 'request.invalid',
  });
});

test('memory does not grow with the files of an export', async () => {
  const home = await newWorkspace();
  const canvas_id = await kit.makeCanvas(home.owner_user_id, { workspace_id: home.workspace_id, title: 'big' });
  const body = Buffer.concat([PNG.subarray(0, 33), randomBytes(4_900_000)]);
  for (let i = 0; i < 20; i++) {
    await kit.attach(home.owner_user_id, canvas_id, { name: `${i}.png`, media_type: 'image/png', body });
  }
  const { result } = await createExport(kit.as(home.owner_user_id), { workspace_id: home.workspace_id });
  // What nobody holds any more does not count, whenever the collector would have come by.
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const held = (): number => {
    collect();
    return process.memoryUsage().arrayBuffers;
  };
  let peak = 0;
  const before = held();
  const timer = setInterval(() => {
    peak = Math.max(peak, held() - before);
  }, 100);
  await exportWorkspace(kit.job_ctx, jobOf(result.id));
  clearInterval(timer);
  const done = await getExport(kit.as(home.owner_user_id), { workspace_id: home.workspace_id, transfer_id: result.id });
  expect(done.size).toBeGreaterThan(98_000_000);
  expect(peak).toBeLessThan(80_000_000);
}, 60_000);
