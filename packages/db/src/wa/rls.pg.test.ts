import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../testing/database.ts';
import { seedSessionState } from '../testing/seed-whatsapp.ts';

/*
 * Two owners, no grants across: of the worker's schema `wa` the services' roles see nothing, and the worker's role nothing of theirs.
 * Within it a transaction sees the session that it named, whatever its query forgets to say.
 */

const WORKER = 'wa_user';
const SERVICES = ['app_user', 'job_user'] as const;
type Row = Record<string, unknown>;

let t: TestDatabase;
let sql: postgres.Sql;
let tables: string[];
let contexts: Record<string, string | null>;
let mine: string;
let theirs: string;

beforeAll(async () => {
  t = await createTestDatabase();
  sql = postgres(t.superuser_url, { max: 1, onnotice: () => undefined });
  [mine, theirs] = [(await seedSessionState(t)).session_id, (await seedSessionState(t)).session_id];
  contexts = { 'no session': null, 'one session': mine, 'the other session': theirs };
  const rows = await t.asOwner<{ name: string }>(
    `select relname as name from pg_class where relnamespace = 'wa'::regnamespace and relkind in ('r', 'p') order by relname`,
  );
  tables = rows.map(({ name }) => name);
});
afterAll(async () => {
  await sql.end();
  await t.drop();
});

/** Runs one statement as a role that has named a session, and takes it back. */
async function attempt(role: string, session_id: string | null, text: string, params: unknown[] = []) {
  let result: { rows: Row[]; count: number } | { refused: string } | undefined;
  await sql
    .begin(async (tx) => {
      await tx`select set_config('wa.session_id', ${session_id ?? ''}, true)`;
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

const allRows = async (table: string): Promise<Row[]> =>
  (await t.asOwner<{ row: Row }>(`select to_jsonb(x) as row from wa.${table} x`)).map(({ row }) => row);

const statementsOn = (table: string): Record<string, string> => ({
  select: `select to_jsonb(x) as row from wa.${table} x`,
  update: `update wa.${table} set session_id = session_id`,
  delete: `delete from wa.${table}`,
});

const insertInto = (table: string): string =>
  `insert into wa.${table} overriding system value select * from jsonb_populate_record(null::wa.${table}, $1::text::jsonb)`;

describe("the worker's role", () => {
  it('selects, updates and deletes rows of the session that it named, though no query says which', async () => {
    for (const table of tables) {
      const rows = await allRows(table);
      for (const [name, session_id] of Object.entries(contexts)) {
        const seen = rows.filter((row) => row['session_id'] === session_id).length;
        for (const [operation, text] of Object.entries(statementsOn(table))) {
          const outcome = await attempt(WORKER, session_id, text);
          const where = `${operation} ${table} with ${name}`;
          // Only a reference may stop a delete, never the sight of a foreign row.
          if ('refused' in outcome) expect([operation, outcome.refused], where).toEqual(['delete', '23503']);
          else expect(outcome.count, where).toBe(seen);
        }
      }
    }
  });

  it('inserts rows of that session only, and learns nothing from keys that exist elsewhere', async () => {
    for (const table of tables) {
      for (const row of await allRows(table)) {
        for (const [name, session_id] of Object.entries(contexts)) {
          const outcome = await attempt(WORKER, session_id, insertInto(table), [JSON.stringify(row)]);
          const writes = row['session_id'] === session_id;
          expect(outcome, `${table} with ${name}`).toEqual({ refused: writes ? '23505' : '42501' });
        }
      }
    }
  });

  it('cannot hand a row to another session', async () => {
    for (const table of tables) {
      const outcome = await attempt(WORKER, mine, `update wa.${table} set session_id = $1`, [theirs]);
      expect(outcome, table).toEqual({ refused: '42501' });
    }
  });

  it('has of the schema app its own health, and no other table', async () => {
    const granted = await t.asOwner<{ name: string }>(`
      select relname as name from pg_class
      where relnamespace = 'app'::regnamespace and relkind in ('r', 'p', 'v', 'm', 'S')
        and (case when relkind = 'S' then has_sequence_privilege('wa_user', oid, 'usage, select, update')
          else has_table_privilege('wa_user', oid, 'select, insert, update, delete, truncate, references, trigger')
            or has_any_column_privilege('wa_user', oid, 'select, insert, update, references') end)`);
    expect(granted).toEqual([{ name: 'system_health' }]);
  });

  it('may call of the schema app what reads and writes nothing there, but that health', async () => {
    const callable = await t.asOwner<{ name: string }>(`
      select p.proname as name from pg_proc p
      where p.pronamespace = 'app'::regnamespace and has_function_privilege('wa_user', p.oid, 'execute') order by 1`);
    expect(callable.map(({ name }) => name)).toEqual(['fail', 'is_uuid', 'iso', 'report_health', 'uuidv7']);
  });
});

describe.each(SERVICES)('%s', (role) => {
  it('has nothing in the schema wa: neither a table nor a function', async () => {
    for (const table of tables) {
      for (const [operation, text] of Object.entries(statementsOn(table)))
        expect(await attempt(role, mine, text), `${operation} ${table}`).toEqual({ refused: '42501' });
      const [row] = await allRows(table);
      expect(await attempt(role, mine, insertInto(table), [JSON.stringify(row)]), table).toEqual({ refused: '42501' });
    }
    const callable = await t.asOwner<{ name: string }>(
      `select proname as name from pg_proc
       where pronamespace = 'wa'::regnamespace and has_function_privilege($1, oid, 'execute')`,
      [role],
    );
    expect(callable).toEqual([]);
    const [schema] = await t.asOwner(`select has_schema_privilege($1, 'wa', 'usage, create') as yes`, [role]);
    expect(schema).toEqual({ yes: false });
  });
});

it('every table has rows of both sessions here, so nothing above was empty', async () => {
  for (const table of tables) {
    const sessions = new Set((await allRows(table)).map((row) => row['session_id']));
    expect(sessions, table).toEqual(new Set([mine, theirs]));
  }
});
