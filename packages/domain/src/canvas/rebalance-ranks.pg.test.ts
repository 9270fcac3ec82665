import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { seedBlock, seedCanvas, type SeededCanvas } from '@potentia/db/testing/seed';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Ctx, UserCtx } from '../platform/ctx.ts';
import { personCtx, recordBus, type RecordedBus } from '../platform/testing/person.ts';
import { newId } from '../platform/uuid.ts';
import { getSnapshot } from './get-snapshot.ts';
import { mutateBlocks } from './mutate-blocks.ts';
import { rankBetween } from './rules/rank.ts';
import { rebalanceRanks } from './rebalance-ranks.ts';
import type { Block, Snapshot } from './schemas.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

interface Setup {
  canvas: SeededCanvas;
  canvas_id: string;
  ctx: UserCtx;
  /** Runs the job as the service does. */
  rebalance: (bus?: RecordedBus) => Promise<{ passes: number }>;
  blocks: () => Promise<Block[]>;
}

async function setUp(): Promise<Setup> {
  const canvas = await seedCanvas(database.db);
  const ctx = personCtx(database.db, canvas.user_id);
  const rebalance = (bus = recordBus()) => {
    const job_ctx: Ctx = { ...ctx, db: database.job_db, bus, actor: { type: 'system', reason: 'job' } };
    return rebalanceRanks(job_ctx, { payload: { canvas_id: canvas.canvas_id } });
  };
  const blocks = async () => (JSON.parse(await getSnapshot(ctx, { canvas_id: canvas.canvas_id })) as Snapshot).blocks;
  return { canvas, canvas_id: canvas.canvas_id, ctx, rebalance, blocks };
}

/** Ranks between "a0" and "a1" as the worst of inserts makes them, from the first to one of `length` characters. */
function adversarialRanks(length: number): string[] {
  const ranks = ['a0', 'a1'];
  let [low, high] = ['a0', 'a1'];
  while (ranks.at(-1)!.length < length) {
    const rank = rankBetween(low, high);
    if (ranks.length % 2) low = rank;
    else high = rank;
    ranks.push(rank);
  }
  return ranks;
}

async function fill(canvas: SeededCanvas, ranks: string[], parent_id: string | null = null): Promise<void> {
  await database.asOwner(
    `insert into app.blocks (workspace_id, canvas_id, id, parent_id, type, content, rank, created_by, updated_by)
     select $1, $2, gen_random_uuid(), $5, 'text', '{"text": "x"}', rank, $3, $3 from unnest($4::text[]) rank`,
    [canvas.workspace_id, canvas.canvas_id, canvas.user_id, ranks, parent_id],
  );
}

const rowsOf = (canvas_id: string) =>
  database.asOwner<{ id: string; rank: string; rest: object }>(
    `select id, rank, to_jsonb(b) - 'rank' as rest from app.blocks b where canvas_id = $1 order by parent_id nulls first, rank`,
    [canvas_id],
  );
const longest = (rows: { rank: string }[]): number => Math.max(...rows.map(({ rank }) => rank.length));
const jobsOf = (canvas: SeededCanvas) =>
  database.asOwner<{ request_id: string }>(
    `select request_id from app.outbox where topic = 'canvas.rebalance' and payload = jsonb_build_object('canvas_id', $1::text)`,
    [canvas.canvas_id],
  );

describe('a rank longer than 48 characters', () => {
  it('queues one job, however many follow, and none after short ones', async () => {
    const { canvas, canvas_id, ctx, rebalance } = await setUp();
    const create = (after_id: string | null) => {
      const block_id = newId();
      const ops = [{ op: 'create' as const, block_id, parent_id: null, after_id, type: 'text', content: { text: '' } }];
      return mutateBlocks(ctx, { canvas_id, mutation_id: newId(), ops }).then(() => block_id);
    };
    let low = await create(null);
    await create(low);
    // Each goes between the last two, from the other side than the one before.
    for (let n = 0; n < 270; n++) {
      const block_id = await create(low);
      if (n % 2) low = block_id;
    }
    expect(longest(await rowsOf(canvas_id))).toBeLessThanOrEqual(48);
    expect(await jobsOf(canvas)).toEqual([]);
    for (let n = 0; n < 30; n++) {
      const block_id = await create(low);
      if (n % 2) low = block_id;
    }
    expect(longest(await rowsOf(canvas_id))).toBeGreaterThan(48);
    expect(await jobsOf(canvas)).toHaveLength(1);
    await rebalance();
    expect(longest(await rowsOf(canvas_id))).toBeLessThan(20);
    // The one that was queued is still there; done is done, and the next long rank queues the next.
    await database.asOwner(`update app.blocks set rank = $2 where canvas_id = $1 and id = $3`, [
      canvas_id,
      `a0${'V'.repeat(60)}`,
      low,
    ]);
    await create(low);
    expect((await jobsOf(canvas)).length).toBeLessThanOrEqual(2);
  });

  it('is queued again when the job has been lost', async () => {
    const { canvas, canvas_id, ctx } = await setUp();
    await fill(canvas, adversarialRanks(60));
    const [tail] = await database.asOwner<{ id: string }>(
      'select id from app.blocks where canvas_id = $1 order by char_length(rank) desc limit 1',
      [canvas_id],
    );
    const insert = () =>
      mutateBlocks(ctx, {
        canvas_id,
        mutation_id: newId(),
        ops: [{ op: 'create', parent_id: null, after_id: tail!.id, type: 'text', content: { text: '' } }],
      });
    await insert();
    await insert();
    expect(await jobsOf(canvas)).toEqual([{ request_id: ctx.request_id }]);
    await database.asOwner(
      `update app.canvas_heads set rebalance_queued_at = now() - interval '61 seconds' where canvas_id = $1`,
      [canvas_id],
    );
    await insert();
    expect(await jobsOf(canvas)).toHaveLength(2);
  });
});

describe('a rebalance', () => {
  it('changes nothing but ranks, keeps the order, and is one event without an author', async () => {
    const { canvas, canvas_id, rebalance, blocks } = await setUp();
    await fill(canvas, adversarialRanks(55));
    await database.asOwner(
      `update app.blocks set deleted_at = now(), trashed_with = id where canvas_id = $1 and char_length(rank) % 3 = 0`,
      [canvas_id],
    );
    const known = new Map((await blocks()).map((block) => [block.id, block]));
    const before = await rowsOf(canvas_id);
    const bus = recordBus();
    expect(await rebalance(bus)).toEqual({ passes: 1 });
    const after = await rowsOf(canvas_id);
    expect(after.map(({ rest }) => rest)).toEqual(before.map(({ rest }) => rest));
    expect([longest(before), longest(after)]).toEqual([55, expect.toSatisfy((length: number) => length < 20)]);

    const [event] = bus.published.map(({ message }) => JSON.parse(message.frame) as ReorderEvent);
    expect(event).toMatchObject({ event: 'blocks.reordered', seq: 1, actor_user_id: null, mutation_id: null });
    // A client that applies it has what a fresh snapshot says. Of the trash it is told nothing.
    for (const [id, rank] of Object.entries(event!.payload.ranks)) known.set(id, { ...known.get(id)!, rank });
    expect([...known.values()].toSorted((a, b) => (a.rank < b.rank ? -1 : 1))).toEqual(await blocks());
    const [audit] = await database.asOwner(
      `select action, actor_type, actor_user_id, before, after from app.audit_logs where canvas_id = $1`,
      [canvas_id],
    );
    expect(audit).toMatchObject({
      action: 'block.rebalance',
      actor_type: 'system',
      actor_user_id: null,
      before: { longest: 55 },
      after: { seq: 1 },
    });
  });

  it('does nothing where ranks are short, and twice at once is once', async () => {
    const { canvas, canvas_id, rebalance } = await setUp();
    expect(await rebalance()).toEqual({ passes: 0 });
    await fill(canvas, adversarialRanks(55));
    const [one, two] = [recordBus(), recordBus()];
    await Promise.all([rebalance(one), rebalance(two)]);
    expect(one.published.length + two.published.length).toBe(1);
    const [head] = await database.asOwner(
      'select seq::int, rebalance_queued_at from app.canvas_heads where canvas_id = $1',
      [canvas_id],
    );
    expect(head).toEqual({ seq: 1, rebalance_queued_at: null });
  });

  it('takes several passes where an outage of the jobs has let thousands of ranks grow', async () => {
    const { canvas, canvas_id, rebalance } = await setUp();
    await fill(canvas, adversarialRanks(600));
    const before = await rowsOf(canvas_id);
    const bus = recordBus();
    const { passes } = await rebalance(bus);
    expect(passes).toBeGreaterThan(1);
    expect(bus.published).toHaveLength(passes);
    const after = await rowsOf(canvas_id);
    expect(after.map(({ id }) => id)).toEqual(before.map(({ id }) => id));
    expect(longest(after)).toBeLessThan(30);
  });

  it.each([
    ['the list begins with them', (ranks: string[]) => ranks.slice(20)],
    ['the list ends with them', (ranks: string[]) => ranks.filter((rank) => rank < 'a1' && rank > 'a0')],
    ['there is nothing else', (ranks: string[]) => ranks.filter((rank) => rank.length > 46)],
    ['an integer comes next', (ranks: string[]) => [...ranks.filter((rank) => rank.length > 46), 'b00', 'b01']],
  ])('works where %s, also below a parent', async (_, choose) => {
    const { canvas, canvas_id, rebalance } = await setUp();
    const parent = await seedBlock(database.db, canvas);
    await fill(canvas, choose(adversarialRanks(52)), parent.id);
    const before = await rowsOf(canvas_id);
    await rebalance();
    const after = await rowsOf(canvas_id);
    expect(after.map(({ id }) => id)).toEqual(before.map(({ id }) => id));
    expect(longest(after)).toBeLessThan(20);
    expect(after.filter(({ rank }) => rank.length > 4 && rank.endsWith('0'))).toEqual([]);
  });

  it('leaves a big list but for a window, and is over long before a writer gives up', async () => {
    const { canvas, canvas_id, ctx, rebalance } = await setUp();
    const ranks = Array.from({ length: 10_000 }, (_, n) => `b${String(n + 10).padStart(5, '0')}V`);
    await fill(canvas, [...adversarialRanks(49), ...ranks]);
    const bus = recordBus();
    const [block] = await rowsOf(canvas_id);
    const ops = [{ op: 'edit' as const, block_id: block!.id, version: 1, content: { text: 'meanwhile' } }];
    await Promise.all([rebalance(bus), mutateBlocks(ctx, { canvas_id, mutation_id: newId(), ops })]);
    const { payload } = JSON.parse(bus.published[0]!.message.frame) as ReorderEvent;
    expect(Object.keys(payload.ranks).length).toBeLessThan(1_000);
    expect(longest(await rowsOf(canvas_id))).toBeLessThan(20);
  });

  it('makes nobody fail who inserts or moves at the same time', async () => {
    const { canvas, canvas_id, ctx, rebalance, blocks } = await setUp();
    await fill(canvas, adversarialRanks(60));
    const all = (await rowsOf(canvas_id)).map(({ id }) => id);
    const place = (n: number) => {
      const after_id = all[(n * 37) % (all.length - 1)]!;
      const moved = all[(n * 41 + 7) % all.length]!;
      const ops =
        n % 2 || moved === after_id
          ? [{ op: 'create' as const, parent_id: null, after_id, type: 'text', content: { text: 'new' } }]
          : [{ op: 'edit' as const, block_id: moved, version: 1, content: { text: `edit ${n}` } }];
      return mutateBlocks(ctx, { canvas_id, mutation_id: newId(), ops });
    };
    const edited = new Set<string>();
    const turns = Array.from({ length: 60 }, (_, n) => n).filter((n) => {
      const id = all[(n * 41 + 7) % all.length]!;
      return n % 2 || (!edited.has(id) && edited.add(id));
    });
    const results = await Promise.all([...turns.map(place), rebalance(), rebalance()]);
    expect(results).toHaveLength(turns.length + 2);
    const live = await blocks();
    expect(new Set(live.map(({ rank }) => rank)).size).toBe(live.length);
    expect(longest(live)).toBeLessThan(48);
  });

  it('of a canvas that is gone is refused as not found', async () => {
    const { ctx } = await setUp();
    const job_ctx: Ctx = { ...ctx, db: database.job_db };
    await expect(rebalanceRanks(job_ctx, { payload: { canvas_id: newId() } })).rejects.toMatchObject({
      code: 'canvas.not_found',
    });
  });
});

interface ReorderEvent {
  event: string;
  seq: number;
  actor_user_id: string | null;
  payload: { parent_id: string | null; ranks: Record<string, string> };
}
