import { getTableConfig, type PgTable } from 'drizzle-orm/pg-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  role_prompts,
  agent_runs,
  agent_steps,
  tool_calls,
  context_items,
  usage_metrics,
  usage_budgets,
  usage_quotas,
} from './agent/tables.ts';
import { api_keys, user_events, user_heads, users } from './auth/tables.ts';
import {
  calendar_feeds,
  calendar_subscriptions,
  calendars,
  guest_tombstones,
  schedule_bookings,
  schedule_guests,
  schedule_instances,
  schedule_overrides,
  schedule_reminders,
  schedule_responses,
  schedule_tombstones,
  schedules,
  time_zone_rules,
  user_calendar_heads,
} from './calendar/tables.ts';
import {
  attachments,
  block_versions,
  blocks,
  canvas_access,
  canvas_events,
  canvas_heads,
  canvases,
  departed_versions,
} from './canvas/tables.ts';
import {
  chat_contexts,
  chat_heads,
  chat_messages,
  lexicons,
  lexicon_terms,
  message_terms,
  message_embeddings,
  block_terms,
  block_embeddings,
  embedding_queue,
  embedding_walks,
  user_preferences,
  user_semantic_memories,
  memory_embeddings,
} from './chat/tables.ts';
import { comments } from './comment/tables.ts';
import {
  audit_logs,
  idempotency_keys,
  mail_deliveries,
  outbox,
  released_objects,
  system_health,
} from './platform/tables.ts';
import { search_documents } from './search/tables.ts';
import { share_links } from './share/tables.ts';
import { createTestDatabase, type TestDatabase } from './testing/database.ts';
import { invitations, transfers, workspace_members, workspace_settings, workspaces } from './workspace/tables.ts';
import { webhook_deliveries, webhooks } from './webhook/tables.ts';
import * as wa from './wa/tables.ts';
import * as whatsapp from './whatsapp/tables.ts';

let t: TestDatabase;
beforeAll(async () => {
  t = await createTestDatabase();
});
afterAll(() => t.drop());

const TABLES: PgTable[] = [
  chat_contexts,
  chat_heads,
  chat_messages,
  lexicons,
  lexicon_terms,
  message_terms,
  message_embeddings,
  block_terms,
  block_embeddings,
  embedding_queue,
  embedding_walks,
  user_preferences,
  user_semantic_memories,
  memory_embeddings,
  role_prompts,
  agent_runs,
  agent_steps,
  tool_calls,
  context_items,
  usage_metrics,
  usage_budgets,
  usage_quotas,
  users,
  user_heads,
  user_events,
  api_keys,
  workspaces,
  workspace_members,
  workspace_settings,
  canvases,
  canvas_access,
  canvas_heads,
  canvas_events,
  blocks,
  block_versions,
  departed_versions,
  search_documents,
  comments,
  share_links,
  attachments,
  transfers,
  invitations,
  mail_deliveries,
  released_objects,
  outbox,
  idempotency_keys,
  audit_logs,
  system_health,
  webhooks,
  webhook_deliveries,
  calendars,
  calendar_subscriptions,
  calendar_feeds,
  schedules,
  schedule_overrides,
  schedule_guests,
  schedule_responses,
  schedule_reminders,
  schedule_instances,
  schedule_bookings,
  schedule_tombstones,
  guest_tombstones,
  user_calendar_heads,
  time_zone_rules,
  ...Object.values(whatsapp),
  ...Object.values(wa),
];

interface ColumnFacts {
  table: string;
  column: string;
  type: string;
  required: boolean;
  has_default: boolean;
  in_key: boolean;
}

const byName = (a: ColumnFacts, b: ColumnFacts): number =>
  `${a.table}.${a.column}` < `${b.table}.${b.column}` ? -1 : 1;

function declared(): ColumnFacts[] {
  return TABLES.flatMap((table) => {
    const { schema, name, columns, primaryKeys } = getTableConfig(table);
    const key = new Set(primaryKeys.flatMap((primary) => primary.columns.map((column) => column.name)));
    return columns.map((column) => ({
      table: `${schema}.${name}`,
      column: column.name,
      type: column.getSQLType(),
      required: column.notNull || column.primary,
      has_default: column.hasDefault,
      in_key: column.primary || key.has(column.name),
    }));
  }).sort(byName);
}

test('the tables of drizzle are those of the database, column by column', async () => {
  const actual = await t.asOwner<ColumnFacts>(`
    select n.nspname || '.' || c.relname as table, a.attname as column, format_type(a.atttypid, a.atttypmod) as type, a.attnotnull as required,
      a.atthasdef or a.attidentity <> '' as has_default, coalesce(a.attnum = any (i.indkey), false) as in_key
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    left join pg_index i on i.indrelid = c.oid and i.indisprimary
    where n.nspname in ('app', 'wa') and c.relkind = 'r' and c.relname <> 'migrations'`);
  expect(declared()).toEqual([...actual].sort(byName));
});
