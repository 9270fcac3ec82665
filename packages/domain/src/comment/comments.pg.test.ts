import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import {
  addCanvasAccess,
  addMember,
  seedBlock,
  seedCanvas,
  seedUser,
  seedWorkspace,
  type SeededCanvas,
} from '@potentia/db/testing/seed';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { archiveCanvas } from '../canvas/archive-canvas.ts';
import { mutateBlocks } from '../canvas/mutate-blocks.ts';
import { personCtx, recordBus, type RecordedBus } from '../platform/testing/person.ts';
import { newId } from '../platform/uuid.ts';
import { createComment } from './create-comment.ts';
import { deleteComment } from './delete-comment.ts';
import { listComments } from './list-comments.ts';
import { reopenThread, resolveThread } from './resolve-thread.ts';
import type { Comment } from './schemas.ts';
import { updateComment } from './update-comment.ts';

let t: TestDatabase;
let canvas: SeededCanvas;
let member: string;
let commenter: string;
let viewer: string;
let stranger: string;
beforeAll(async () => {
  t = await createTestDatabase();
  stranger = (await seedUser(t.db)).user_id;
});
afterAll(() => t.drop());
beforeEach(async () => {
  const workspace = await seedWorkspace(t.db);
  canvas = await seedCanvas(t.db, workspace, { title: 'Plans' });
  member = (await addMember(t.db, workspace)).user_id;
  commenter = (await addCanvasAccess(t.db, canvas, 'commenter')).user_id;
  viewer = (await addCanvasAccess(t.db, canvas, 'viewer')).user_id;
});

const say = async (who: string, words: string, more: object = {}): Promise<Comment> =>
  (
    await createComment(personCtx(t.db, who), {
      canvas_id: canvas.canvas_id,
      mutation_id: newId(),
      text: words,
      ...more,
    })
  ).comment;
const on = (comment: { id: string }) => ({ canvas_id: canvas.canvas_id, comment_id: comment.id });
const threads = async (who = viewer, query: object = {}) =>
  (await listComments(personCtx(t.db, who), { canvas_id: canvas.canvas_id, ...query })).items;
const events = () =>
  t.asOwner<{ seq: string; type: string; payload: { comment: Comment } }>(
    'select seq, type, payload from app.canvas_events where canvas_id = $1 order by seq',
    [canvas.canvas_id],
  );
const audits = async () =>
  (
    await t.asOwner<{ action: string }>(
      'select action from app.audit_logs where canvas_id = $1 order by created_at, id',
      [canvas.canvas_id],
    )
  ).map(({ action }) => action);
const told = () =>
  t.asOwner<{ user_id: string; type: string; comment_id: string; excerpt: string }>(
    `select payload ->> 'user_id' as user_id, payload ->> 'type' as type, payload ->> 'comment_id' as comment_id,
       payload ->> 'excerpt' as excerpt
     from app.outbox where topic = 'me.deliver' and payload ->> 'canvas_id' = $1 order by created_at, 2, 1`,
    [canvas.canvas_id],
  );

describe('a thread', () => {
  it('is begun on a canvas or a block, answered, resolved and reopened, each as one event with its audit row', async () => {
    const block = await seedBlock(t.db, canvas);
    const thread = await say(commenter, 'Is this right?', { block_id: block.id });
    expect(thread).toMatchObject({
      thread_id: null,
      block_id: block.id,
      version: 1,
      created_by: commenter,
      deleted: false,
    });
    const reply = await say(member, 'Yes.', { thread_id: thread.id });
    expect(reply).toMatchObject({ thread_id: thread.id, block_id: block.id });
    expect(await resolveThread(personCtx(t.db, commenter), on(thread))).toMatchObject({ resolved_by: commenter });
    await resolveThread(personCtx(t.db, member), on(thread));
    expect(await threads(viewer, { resolved: true })).toHaveLength(1);
    expect(await threads(viewer, { resolved: false })).toEqual([]);
    expect(await reopenThread(personCtx(t.db, member), on(thread))).toMatchObject({
      resolved_at: null,
      resolved_by: null,
    });
    expect(await threads()).toMatchObject([
      { id: thread.id, reply_count: 1, replies: [{ id: reply.id, text: 'Yes.' }], block_gone: false },
    ]);
    expect((await events()).map(({ seq, type }) => [Number(seq), type])).toEqual([
      [1, 'comment.created'],
      [2, 'comment.created'],
      [3, 'comment.resolved'],
      [4, 'comment.reopened'],
    ]);
    expect(await audits()).toEqual(['comment.create', 'comment.create', 'comment.resolve', 'comment.reopen']);
    await expect(resolveThread(personCtx(t.db, member), on(reply))).rejects.toMatchObject({
      code: 'comment.not_a_thread',
    });
    await expect(say(member, 'deeper', { thread_id: reply.id })).rejects.toMatchObject({
      code: 'comment.not_a_thread',
    });
  });

  it('stays listed when its block is gone', async () => {
    const block = await seedBlock(t.db, canvas);
    const thread = await say(commenter, 'about a block', { block_id: block.id });
    const ops = [{ op: 'delete' as const, block_id: block.id, version: 1 }];
    await mutateBlocks(personCtx(t.db, member), { canvas_id: canvas.canvas_id, mutation_id: newId(), ops });
    expect(await threads(viewer, { block_id: block.id })).toMatchObject([{ id: thread.id, block_gone: true }]);
    await expect(say(commenter, 'another', { block_id: block.id })).rejects.toMatchObject({
      code: 'comment.block_unknown',
    });
  });

  it('comes in pages, newest first, its replies oldest first', async () => {
    const made = [];
    for (let n = 0; n < 5; n++) made.push(await say(commenter, `thread ${n}`));
    const replies = [];
    for (let n = 0; n < 5; n++) replies.push(await say(member, `reply ${n}`, { thread_id: made[0]!.id }));
    const readAll = async (query: object): Promise<string[]> => {
      const seen: string[] = [];
      for (let cursor: string | undefined, more = true; more;) {
        const page = await listComments(personCtx(t.db, viewer), {
          canvas_id: canvas.canvas_id,
          limit: 2,
          cursor,
          ...query,
        });
        seen.push(...page.items.map(({ id }) => id));
        cursor = page.next_cursor ?? undefined;
        more = cursor !== undefined;
      }
      return seen;
    };
    expect(await readAll({})).toEqual(made.map(({ id }) => id).toReversed());
    expect(await readAll({ thread_id: made[0]!.id })).toEqual(replies.map(({ id }) => id));
    await expect(threads(viewer, { thread_id: newId() })).rejects.toMatchObject({ code: 'comment.not_found' });
    await expect(threads(viewer, { cursor: 'x' })).rejects.toMatchObject({ code: 'request.invalid' });
  });
});

describe('a change', () => {
  it('sent twice is applied once and answered the same, and with another body refused', async () => {
    const mutation_id = newId();
    const bus: RecordedBus = recordBus();
    const ctx = personCtx(t.db, commenter, { bus });
    const input = { canvas_id: canvas.canvas_id, mutation_id, text: 'once' };
    const first = await createComment(ctx, input);
    const again = await createComment(ctx, input);
    expect([first.replayed, again.replayed]).toEqual([false, true]);
    expect(again.comment).toEqual(first.comment);
    expect(bus.published.map(({ message }) => message.kind)).toEqual(['event']);
    expect(JSON.parse(bus.published[0]!.message.frame)).toMatchObject({
      event: 'comment.created',
      seq: 1,
      mutation_id,
      actor_user_id: commenter,
      payload: { comment: first.comment },
    });
    await expect(createComment(ctx, { ...input, text: 'twice' })).rejects.toMatchObject({
      code: 'canvas.mutation_reused',
    });
    const edit = { ...on(first.comment), mutation_id, version: 1, text: 'once' };
    await expect(updateComment(ctx, edit)).rejects.toMatchObject({ code: 'canvas.mutation_reused' });
    expect(await threads()).toHaveLength(1);
  });

  it('of a stale version changes nothing and tells how the comment stands', async () => {
    const thread = await say(commenter, 'one');
    const ctx = personCtx(t.db, commenter);
    const edit = (version: number, words: string) =>
      updateComment(ctx, { ...on(thread), mutation_id: newId(), version, text: words });
    expect((await edit(1, 'two')).comment).toMatchObject({ text: 'two', version: 2, edited_at: expect.any(String) });
    await expect(edit(1, 'three')).rejects.toMatchObject({
      code: 'comment.version_conflict',
      meta: { current: { text: 'two', version: 2 } },
    });
    expect(await threads()).toMatchObject([{ text: 'two' }]);
    expect(await audits()).toEqual(['comment.create', 'comment.update']);
  });

  it('is made by who wrote it, and by admins only to delete', async () => {
    const thread = await say(commenter, 'mine');
    const edit = { ...on(thread), mutation_id: newId(), version: 1, text: 'theirs' };
    for (const who of [member, canvas.user_id]) {
      await expect(updateComment(personCtx(t.db, who), edit)).rejects.toMatchObject({ code: 'comment.forbidden' });
    }
    await expect(deleteComment(personCtx(t.db, member), on(thread))).rejects.toMatchObject({
      code: 'comment.forbidden',
    });
    await deleteComment(personCtx(t.db, canvas.user_id), on(thread));
    expect(await threads()).toEqual([]);
    await expect(deleteComment(personCtx(t.db, commenter), on(thread))).rejects.toMatchObject({
      code: 'comment.not_found',
    });
  });

  it('that deletes leaves no word, and of a thread with replies its place', async () => {
    const thread = await say(commenter, 'secret');
    const reply = await say(member, 'an answer', { thread_id: thread.id });
    await deleteComment(personCtx(t.db, commenter), on(thread));
    expect(await threads()).toMatchObject([{ id: thread.id, deleted: true, text: '', replies: [{ id: reply.id }] }]);
    expect(JSON.stringify((await events()).at(-1)?.payload)).not.toContain('secret');
    await deleteComment(personCtx(t.db, member), on(reply));
    expect(await threads()).toEqual([]);
  });

  it('is refused to viewers, and on an archived canvas to all; strangers see no canvas', async () => {
    const thread = await say(commenter, 'here');
    const attempts = (who: string): Promise<unknown>[] => {
      const ctx = personCtx(t.db, who);
      return [
        say(who, 'no'),
        updateComment(ctx, { ...on(thread), mutation_id: newId(), version: 1, text: 'no' }),
        resolveThread(ctx, on(thread)),
        reopenThread(ctx, on(thread)),
        deleteComment(ctx, on(thread)),
      ];
    };
    const codes = async (who: string): Promise<unknown> =>
      new Set(
        (await Promise.allSettled(attempts(who))).map((one) => (one.status === 'rejected' ? one.reason.code : 'done')),
      );
    expect(await codes(viewer)).toEqual(new Set(['canvas.forbidden']));
    expect(await codes(stranger)).toEqual(new Set(['canvas.not_found']));
    await expect(threads(stranger)).rejects.toMatchObject({ code: 'canvas.not_found' });
    await archiveCanvas(personCtx(t.db, canvas.user_id), { canvas_id: canvas.canvas_id });
    expect(await codes(commenter)).toEqual(new Set(['canvas.archived']));
    expect(await threads()).toHaveLength(1);
  });

  it('cannot reach a comment of another canvas', async () => {
    const other = await seedCanvas(t.db, { workspace_id: canvas.workspace_id, owner_user_id: canvas.user_id });
    const thread = await say(commenter, 'here');
    const elsewhere = { canvas_id: other.canvas_id, comment_id: thread.id };
    await expect(resolveThread(personCtx(t.db, member), elsewhere)).rejects.toMatchObject({
      code: 'comment.not_found',
    });
    await expect(deleteComment(personCtx(t.db, canvas.user_id), elsewhere)).rejects.toMatchObject({
      code: 'comment.not_found',
    });
  });
});

describe('people', () => {
  it('who are mentioned or have written are told, once each, and never of their own', async () => {
    const thread = await say(commenter, 'first', { mentions: [viewer, commenter] });
    const reply = await say(member, 'second', { thread_id: thread.id, mentions: [viewer] });
    const last = await say(canvas.user_id, 'third', { thread_id: thread.id });
    expect(await told()).toEqual([
      { user_id: viewer, type: 'comment.mentioned', comment_id: thread.id, excerpt: 'first' },
      { user_id: viewer, type: 'comment.mentioned', comment_id: reply.id, excerpt: 'second' },
      { user_id: commenter, type: 'comment.replied', comment_id: reply.id, excerpt: 'second' },
      ...[commenter, member].toSorted().map((user_id) => ({
        user_id,
        type: 'comment.replied',
        comment_id: last.id,
        excerpt: 'third',
      })),
    ]);
  });

  it('who are mentioned by an edit are told when they are new', async () => {
    const thread = await say(commenter, 'first', { mentions: [viewer] });
    const edit = { ...on(thread), mutation_id: newId(), version: 1, text: 'now', mentions: [viewer, member] };
    await updateComment(personCtx(t.db, commenter), edit);
    expect((await told()).map(({ user_id }) => user_id)).toEqual([viewer, member]);
  });

  it('who lost their access are told nothing', async () => {
    const thread = await say(commenter, 'first');
    await t.asOwner('delete from app.canvas_access where user_id = $1', [commenter]);
    await say(member, 'second', { thread_id: thread.id });
    expect(await told()).toEqual([]);
  });

  it('who cannot see the canvas, or are no persons, cannot be mentioned; the answer names which', async () => {
    const key = (await addMember(t.db, { workspace_id: canvas.workspace_id, owner_user_id: canvas.user_id })).user_id;
    await t.asOwner(`update app.users set kind = 'api_key' where id = $1`, [key]);
    for (const who of [stranger, newId(), key]) {
      await expect(say(commenter, 'hello', { mentions: [viewer, who] })).rejects.toMatchObject({
        code: 'comment.mention_unknown',
        kind: 'invalid',
        meta: { errors: [{ pointer: '/mentions/1' }] },
      });
    }
    expect(await events()).toEqual([]);
    await expect(say(commenter, 'hello', { mentions: [viewer, viewer] })).rejects.toMatchObject({
      code: 'request.invalid',
    });
  });
});
