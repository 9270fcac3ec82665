import { randomUUID } from 'node:crypto';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { setCanvasAccess } from './canvas/queries.ts';
import { withContext } from './context.ts';
import { appendUserEvent, claimIdempotencyKey } from './platform/queries.ts';
import { createTestDatabase, type TestDatabase } from './testing/database.ts';
import {
  addMember,
  seedApiKey,
  seedAttachment,
  seedBlock,
  seedCanvas,
  seedInvitation,
  seedTransfer,
  seedUser,
  seedWebhook,
  seedWorkspace,
  type SeededWorkspace,
} from './testing/seed.ts';
import {
  seedCalendar,
  seedOverride,
  seedReminder,
  seedRemains,
  seedSchedule,
  type SeededSchedule,
} from './testing/seed-calendar.ts';
import {
  seedContext,
  seedContextItem,
  seedMemories,
  seedMessage,
  seedRolePrompt,
  seedRun,
  seedToolCall,
} from './testing/seed-chat.ts';
import { seedLink, seedSession, seedSessionRemains, seedWorker } from './testing/seed-whatsapp.ts';
import { updateWorkspaceSettings } from './workspace/settings-queries.ts';

/*
 * Every table × role × operation × context, from the family that the table's comment names: what is visible, what a query
 * without any WHERE changes, what can be smuggled to another tenant. A new table is in it by its comment alone.
 */

const ROLES = ['app_user', 'job_user', 'wa_user'] as const;
type Role = (typeof ROLES)[number];
const FAMILIES = ['workspace', 'canvas', 'calendar', 'person', 'system', 'outbox', 'audit', 'private'] as const;
type Family = (typeof FAMILIES)[number];

interface Table {
  name: string;
  family: Family;
  workspace_column: string;
  canvas_column: string;
  calendar_column: string;
  user_column: string;
}
interface Context {
  user_id?: string;
  workspace_id?: string;
  canvas_id?: string;
  calendar_id?: string;
}
const SETTINGS = ['user_id', 'workspace_id', 'canvas_id', 'calendar_id'] as const;
type Row = Record<string, unknown>;

let t: TestDatabase;
let sql: postgres.Sql;
let tables: Table[];
let contexts: Record<string, Context>;
/** Another tenant's workspace and person, whose rows nobody may ever see. */
let other: { user_id: string; workspace_id: string };

beforeAll(async () => {
  t = await createTestDatabase();
  sql = postgres(t.superuser_url, { max: 1, onnotice: () => undefined });
  const mine = await seedTenant();
  const theirs = await seedTenant();
  other = { user_id: theirs.user_id, workspace_id: theirs.workspace_id };
  const { user_id, workspace_id, canvas_id, calendar_id } = mine;
  contexts = {
    'no context': {},
    'a person': { user_id },
    'a tenant': { user_id, workspace_id },
    'a canvas': { user_id, workspace_id, canvas_id },
    'a calendar': { user_id, workspace_id, calendar_id },
    "another tenant's calendar": { user_id, workspace_id, calendar_id: theirs.calendar_id },
    'a canvas after a calendar': { user_id, workspace_id, canvas_id, calendar_id },
  };
  tables = await readTables();
});
afterAll(async () => {
  await sql.end();
  await t.drop();
});

interface Tenant {
  user_id: string;
  workspace_id: string;
  canvas_id: string;
  calendar_id: string;
}

/** A row in every table. Two canvases and two calendars, so that their contexts have something to hide. */
async function seedTenant(): Promise<Tenant> {
  const workspace = await seedWorkspace(t.db);
  const guest = await seedUser(t.db);
  await addMember(t.db, workspace);
  await seedTransfer(t.db, workspace);
  await seedApiKey(t.db, workspace);
  await seedInvitation(t.db, workspace);
  await seedWebhook(t.db, workspace);
  const [canvas, second] = [await seedCanvas(t.db, workspace), await seedCanvas(t.db, workspace)];
  for (const each of [canvas, second]) {
    const { id } = await seedBlock(t.db, each);
    await t.asOwner(
      `insert into app.block_versions (workspace_id, canvas_id, block_id, version, seq, op) values ($1, $2, $3, 1, 1, 'create')`,
      [each.workspace_id, each.canvas_id, id],
    );
    const block = [each.workspace_id, each.canvas_id, id];
    await t.asOwner(
      `insert into app.block_terms (workspace_id, canvas_id, block_id, updated_at, terms, weights)
       values ($1, $2, $3, now(), '{1}', '{1:1}/1000000000')`,
      block,
    );
    await t.asOwner(
      `insert into app.block_embeddings (workspace_id, canvas_id, block_id, model, dimensions, embedding)
       values ($1, $2, $3, 'x', 768, array_fill(0.1::real, array[768])::halfvec)`,
      block,
    );
    await t.asOwner(
      `insert into app.departed_versions (workspace_id, canvas_id, block_id, seq, due_at) values ($1, $2, $3, 1, now())`,
      [each.workspace_id, each.canvas_id, id],
    );
    await seedAttachment(t.db, each);
    await seedInvitation(t.db, workspace, { canvas_id: each.canvas_id });
    await t.asOwner(
      `insert into app.comments (workspace_id, canvas_id, id, text, created_by) values ($1, $2, $3, 'x', $4)`,
      [each.workspace_id, each.canvas_id, randomUUID(), each.user_id],
    );
    await t.asOwner(
      `insert into app.share_links (workspace_id, canvas_id, id, token_hash, last_four, created_by)
       values ($1, $2, gen_random_uuid(), sha256(gen_random_uuid()::text::bytea), 'abcd', $3)`,
      [each.workspace_id, each.canvas_id, each.user_id],
    );
    await setCanvasAccess(t.db, { ...each, target_user_id: guest.user_id, role: 'viewer', request_id: 'r' });
    await t.asOwner(
      `insert into app.canvas_events (workspace_id, canvas_id, seq, type, actor_user_id, request_id, payload, created_at)
       values ($1, $2, 1, 'x', $3, 'r', '{}', now())`,
      [each.workspace_id, each.canvas_id, each.user_id],
    );
  }
  const user_id = workspace.owner_user_id;
  const { workspace_id } = workspace;
  await updateWorkspaceSettings(t.db, { user_id, workspace_id, expected_version: 0, patch: {}, request_id: 'r' });
  await appendUserEvent(t.job_db, { user_id, outbox_id: randomUUID(), type: 'x.y', payload: {} });
  await t.asOwner(
    `insert into app.mail_deliveries (outbox_id, workspace_id, template, reference) values ($1, $2, 'x', 'x')`,
    [randomUUID(), workspace_id],
  );
  await t.asOwner('insert into app.released_objects (object_key, due_at) values ($1, now())', [randomUUID()]);
  await withContext(t.db, { user_id }, (tx) =>
    claimIdempotencyKey(tx, { user_id, key: 'k', operation: 'o', request_hash: 'h' }),
  );
  await t.db.call('select app.report_health($1)', [
    {
      service: 'api',
      instance_id: user_id,
      version: '1',
      status: 'ok',
      checks: {},
      started_at: '2026-01-01T00:00:00Z',
      reported_at: '2026-01-01T00:00:00Z',
    },
  ]);
  const calendar_ids: string[] = [];
  for (let n = 0; n < 2; n++) {
    const schedule = await seedSchedule(t.db, await seedCalendar(t.db, workspace));
    await seedOverride(t.db, schedule, { recurrence_id: '2026-03-02T09:00:00', title: 'other' });
    await seedReminder(t.db, schedule);
    await seedRemains(t.db, schedule);
    await seedInstance(schedule);
    calendar_ids.push(schedule.calendar_id);
  }
  await seedChat(user_id, workspace);
  const session = await seedSession(t, workspace, await seedWorker(t));
  await seedLink(t, session, { user_id });
  await seedSessionRemains(t, session, { user_id });
  const [calendar_id = ''] = calendar_ids;
  return { user_id, workspace_id: workspace.workspace_id, canvas_id: canvas.canvas_id, calendar_id };
}

/** What no service writes by itself: rows that belong to nobody's context. */
async function seedInstance({ calendar_id, schedule_id, user_id }: SeededSchedule): Promise<void> {
  await t.asOwner(
    `insert into app.schedule_instances (calendar_id, schedule_id, user_id, recurrence_id, starts_at, ends_at, is_override)
     values ($1, $2, $3, '2026-03-02T09:00:00', '2026-03-02T09:00:00Z', '2026-03-02T10:00:00Z', false)`,
    [calendar_id, schedule_id, user_id],
  );
  await t.asOwner('insert into app.guest_tombstones (user_id, schedule_id, seq) values ($1, $2, 1)', [
    user_id,
    schedule_id,
  ]);
  await t.asOwner('insert into app.user_calendar_heads (user_id) values ($1) on conflict do nothing', [user_id]);
  await t.asOwner(
    `insert into app.time_zone_rules (time_zone, tz_version, fingerprint) values ($1::text, '2026a', 'x')`,
    [schedule_id],
  );
}

/** A conversation, what is known of the person, and what answering took; indices and quotas as no person writes them. */
async function seedChat(user_id: string, workspace: SeededWorkspace): Promise<void> {
  const { workspace_id } = workspace;
  const context = await seedContext(t.db, { user_id });
  const { message_id } = await seedMessage(t.db, context);
  const { memory_id } = await seedMemories(t.db, { user_id });
  await seedIndices(user_id, { message_id, memory_id, context_id: context.context_id });
  await seedRolePrompt(t.db, workspace);
  const run = await seedRun(t.db, { user_id, workspace_id, context_id: context.context_id });
  await seedToolCall(t.db, run);
  await seedContextItem(t.db, run, message_id);
  await t.asOwner('insert into app.usage_quotas (workspace_id, tokens_per_day) values ($1, 1000)', [workspace_id]);
  await t.asOwner(`insert into app.usage_budgets (workspace_id, day) values ($1, '2026-01-01')`, [workspace_id]);
  await t.asOwner(
    `insert into app.usage_metrics (workspace_id, day, kind, provider, model) values ($1, '2026-01-01', 'judge', 'x', 'x')`,
    [workspace_id],
  );
}

/** What jobs make of a conversation. */
async function seedIndices(user_id: string, ids: { message_id: string; memory_id: string; context_id: string }) {
  const terms = `'{1}', '{1:1}/1000000000'`;
  const vector = `array_fill(0.1::real, array[768])::halfvec`;
  const message = [ids.message_id, user_id];
  await t.asOwner('insert into app.lexicons (owner_id, documents) values ($1, 1) on conflict do nothing', [user_id]);
  await t.asOwner('insert into app.lexicon_terms (owner_id, term, documents) values ($1, 1, 1)', [user_id]);
  await t.asOwner(
    `insert into app.message_terms (message_id, user_id, context_id, created_at, terms, weights)
     values ($1, $2, $3, now(), ${terms})`,
    [...message, ids.context_id],
  );
  await t.asOwner(
    `insert into app.message_embeddings (message_id, user_id, side, model, dimensions, embedding)
     values ($1, $2, 'user', 'x', 768, ${vector})`,
    message,
  );
  await t.asOwner(
    `insert into app.memory_embeddings (memory_id, user_id, model, dimensions, embedding) values ($1, $2, 'x', 768, ${vector})`,
    [ids.memory_id, user_id],
  );
  await t.asOwner(
    `insert into app.embedding_queue (subject_type, subject_id, user_id) values ('message', $1, $2) on conflict do nothing`,
    message,
  );
  await t.asOwner(`insert into app.embedding_walks (subject_type) values ('message') on conflict do nothing`);
}

async function readTables(): Promise<Table[]> {
  const rows = await t.asOwner<{ name: string; comment: string | null }>(
    `select relname as name, obj_description(oid, 'pg_class') as comment
     from pg_class where relnamespace = 'app'::regnamespace and relkind in ('r', 'p') order by relname`,
  );
  return rows.map(({ name, comment }) => {
    const column = (meaning: string): string => new RegExp(`${meaning}: (\\w+)`).exec(comment ?? '')?.[1] ?? meaning;
    const family = /family: (\w+)/.exec(comment ?? '')?.[1] as Family;
    expect(FAMILIES, `family of ${name}`).toContain(family);
    return {
      name,
      family,
      workspace_column: column('workspace_id'),
      canvas_column: column('canvas_id'),
      calendar_column: column('calendar_id'),
      user_column: column('user_id'),
    };
  });
}

/** The rule of each family, said once more, independently of the policies. */
function sees(role: Role, table: Table, context: Context, row: Row): boolean {
  const same = (column: string, value: string | undefined): boolean => value !== undefined && row[column] === value;
  switch (table.family) {
    case 'workspace':
      return same(table.workspace_column, context.workspace_id) && context.canvas_id === undefined;
    case 'canvas':
      return (
        same(table.workspace_column, context.workspace_id) &&
        (context.canvas_id === undefined || row[table.canvas_column] === context.canvas_id)
      );
    case 'calendar':
      return (
        same(table.workspace_column, context.workspace_id) &&
        same(table.calendar_column, context.calendar_id) &&
        context.canvas_id === undefined
      );
    case 'person':
      return same(table.user_column, context.user_id);
    case 'system':
      return true;
    case 'outbox':
      return role === 'job_user';
    case 'audit':
    case 'private':
      return false;
  }
}

/** Runs one statement as a role in a context, and takes it back. */
async function attempt(role: Role, context: Context, text: string, params: unknown[] = []) {
  let result: { rows: Row[]; count: number } | { refused: string } | undefined;
  await sql
    .begin(async (tx) => {
      for (const name of SETTINGS) await tx`select set_config(${`app.${name}`}, ${context[name] ?? ''}, true)`;
      await tx.unsafe(`set local role ${role}`);
      const rows = await tx.unsafe(text, params as never[]);
      result = { rows: [...rows], count: rows.count };
      throw new Error('take it back');
    })
    .catch((error: unknown) => {
      if (!result) result = { refused: (error as { code: string }).code };
    });
  return result!;
}

const granted = async (role: Role, table: Table, operation: string): Promise<boolean> => {
  const [row] = await t.asOwner<{ yes: boolean }>('select has_table_privilege($1, $2, $3) as yes', [
    role,
    `app.${table.name}`,
    operation,
  ]);
  return row!.yes;
};

const allRows = async (table: Table): Promise<Row[]> =>
  (await t.asOwner<{ row: Row }>(`select to_jsonb(x) as row from app.${table.name} x`)).map(({ row }) => row);

describe.each(ROLES)('%s', (role) => {
  test('selects, updates and deletes only what its context shows, though no query says which', async () => {
    for (const table of tables) {
      const rows = await allRows(table);
      for (const [name, context] of Object.entries(contexts)) {
        const where = `${table.name} in the context of ${name}`;
        const mine = rows.filter((row) => sees(role, table, context, row));
        const [column] = Object.keys(rows[0] ?? { none: 1 });
        const statements = {
          select: `select to_jsonb(x) as row from app.${table.name} x`,
          update: `update app.${table.name} set "${column}" = "${column}"`,
          delete: `delete from app.${table.name}`,
        };
        for (const [operation, text] of Object.entries(statements)) {
          const outcome = await attempt(role, context, text);
          if (!(await granted(role, table, operation))) {
            expect(outcome, `${operation} ${where}`).toEqual({ refused: '42501' });
          } else if ('refused' in outcome) {
            // Only a reference may stop a delete, never the sight of a foreign row.
            expect([operation, outcome.refused], where).toEqual(['delete', '23503']);
          } else {
            expect(outcome.count, `${operation} ${where}`).toBe(mine.length);
          }
        }
      }
    }
  });

  test('inserts only where its context allows, and learns nothing from keys that exist elsewhere', async () => {
    for (const table of tables) {
      const can_insert = await granted(role, table, 'insert');
      for (const row of await allRows(table)) {
        for (const [name, context] of Object.entries(contexts)) {
          const text = `insert into app.${table.name} overriding system value select * from jsonb_populate_record(null::app.${table.name}, $1::text::jsonb)`;
          const outcome = await attempt(role, context, text, [JSON.stringify(row)]);
          const writes = can_insert && (sees(role, table, context, row) || mayAppend(role, table, context, row));
          // The row exists, so an insert that is allowed runs into its key; one that is not must not get that far.
          expect(outcome, `${table.name} in the context of ${name}: ${JSON.stringify(row)}`).toEqual({
            refused: writes ? '23505' : '42501',
          });
        }
      }
    }
  });

  test('cannot move a row to another tenant or person', async () => {
    for (const table of tables.filter(({ family }) => ['workspace', 'canvas', 'calendar', 'person'].includes(family))) {
      const context = contexts[table.family === 'calendar' ? 'a calendar' : 'a tenant']!;
      if (!(await granted(role, table, 'update'))) continue;
      const [column, value] =
        table.family === 'person' ? [table.user_column, other.user_id] : [table.workspace_column, other.workspace_id];
      const outcome = await attempt(role, context, `update app.${table.name} set "${column}" = $1`, [value]);
      const nothing_to_move = 'count' in outcome && outcome.count === 0;
      expect(nothing_to_move || ('refused' in outcome && outcome.refused === '42501'), `${role} ${table.name}`).toBe(
        true,
      );
    }
  });
});

/** What can be written without being readable. */
function mayAppend(role: Role, table: Table, context: Context, row: Row): boolean {
  if (role !== 'app_user') return false;
  const in_tenant = row['workspace_id'] !== null && row['workspace_id'] === context.workspace_id;
  if (table.family === 'outbox')
    return in_tenant || (row['workspace_id'] === null && row['user_id'] === context.user_id);
  if (table.family === 'audit')
    return row['actor_user_id'] === context.user_id && (row['workspace_id'] === null || in_tenant);
  return false;
}

test('every table with tenants or persons has rows of two of them here, so nothing above was empty', async () => {
  for (const table of tables.filter(({ family }) => family !== 'private')) {
    const rows = await allRows(table);
    const { workspace_column: workspace, user_column: person } = table;
    const column = { workspace, canvas: workspace, calendar: workspace, person };
    const owner = table.family in column ? column[table.family as keyof typeof column] : undefined;
    const owners = new Set(rows.map((row) => (owner ? row[owner] : JSON.stringify(row))));
    expect(owners.size, table.name).toBeGreaterThan(1);
  }
});
