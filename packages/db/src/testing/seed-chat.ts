import { randomUUIDv7 } from 'node:crypto';
import type { Db } from '../client.ts';
import { withContext } from '../context.ts';
import { seedUser, type SeededWorkspace } from './seed.ts';

/* What belongs to a person's chat, past the verbs: no audit, no outbox row. `db` is app_user's. */

export interface SeededContext {
  context_id: string;
  user_id: string;
}

export interface SeededMessage extends SeededContext {
  message_id: string;
}

export interface SeededRun {
  run_id: string;
  /** The specialist's. */
  step_id: string;
  user_id: string;
  /** Who pays. */
  workspace_id: string;
  context_id: string | null;
}

/** A context of this person, else of a new one. */
export async function seedContext(
  db: Db,
  user?: { user_id: string },
  overrides: { title?: string; titled_by?: string; status?: 'active' | 'archived'; last_message_at?: string } = {},
): Promise<SeededContext> {
  const user_id = user?.user_id ?? (await seedUser(db)).user_id;
  const context_id = randomUUIDv7();
  const { title = 'Seeded context', titled_by = 'rules', status = 'active', last_message_at = null } = overrides;
  await write(
    db,
    user_id,
    `insert into app.chat_contexts (id, user_id, title, titled_by, status, last_message_at)
     values ($1, $2, $3, $4, $5, coalesce($6::timestamptz, now()))`,
    [context_id, user_id, title, titled_by, status, last_message_at],
  );
  await write(db, user_id, 'insert into app.chat_heads (user_id) values ($1) on conflict do nothing', [user_id]);
  return { context_id, user_id };
}

/** A message at the end of its context, said now unless told otherwise. */
export async function seedMessage(
  db: Db,
  context: SeededContext,
  overrides: {
    content?: string;
    role?: 'user' | 'assistant';
    source?: 'chat' | 'import' | 'whatsapp';
    language?: 'en' | 'id' | 'und';
    created_at?: string;
    run_id?: string;
    author_name?: string;
    import_source?: string;
    external_id?: string;
    mentions?: object[];
  } = {},
): Promise<SeededMessage> {
  const { context_id, user_id } = context;
  const message_id = randomUUIDv7();
  await write(
    db,
    user_id,
    `insert into app.chat_messages
       (id, user_id, context_id, seq, role, content, source, language, created_at, run_id, author_name, import_source, external_id, mentions)
     select $1, $2, $3, app.take_message_seqs($2, 1), $4, $5, $6, $7, coalesce($8::timestamptz, clock_timestamp()), $9, $10, $11, $12, $13`,
    [
      message_id,
      user_id,
      context_id,
      overrides.role ?? 'user',
      overrides.content ?? 'Seeded words.',
      overrides.source ?? 'chat',
      overrides.language ?? 'en',
      overrides.created_at ?? null,
      overrides.run_id ?? null,
      overrides.author_name ?? null,
      overrides.import_source ?? null,
      overrides.external_id ?? null,
      overrides.mentions ?? [],
    ],
  );
  return { message_id, context_id, user_id };
}

/** Something that is always known of this person, and something that is found when it matters. */
export async function seedMemories(
  db: Db,
  { user_id }: { user_id: string },
): Promise<{ preference_id: string; memory_id: string }> {
  const [preference_id, memory_id] = [randomUUIDv7(), randomUUIDv7()];
  await write(
    db,
    user_id,
    `insert into app.user_preferences (id, user_id, kind, attribute, content, content_hash, source)
     values ($1, $2, 'preference', $1::uuid::text, 'Seeded preference', $1::uuid::text, 'manual')`,
    [preference_id, user_id],
  );
  await write(
    db,
    user_id,
    `insert into app.user_semantic_memories (id, user_id, content, content_hash, source)
     values ($1, $2, 'Seeded memory', $1::uuid::text, 'manual')`,
    [memory_id, user_id],
  );
  return { preference_id, memory_id };
}

/** A role prompt of a workspace. */
export async function seedRolePrompt(
  db: Db,
  workspace: SeededWorkspace,
  overrides: { name?: string; examples?: string[]; is_enabled?: boolean } = {},
): Promise<{ role_prompt_id: string; workspace_id: string }> {
  const { workspace_id, owner_user_id } = workspace;
  const role_prompt_id = randomUUIDv7();
  const name = overrides.name ?? `Seeded role ${role_prompt_id}`;
  await withContext(db, { user_id: owner_user_id, workspace_id, needed_role: 'member' }, (tx) =>
    tx.call(
      `insert into app.role_prompts (id, workspace_id, name, aim, tone, prompt, examples, is_enabled, created_by)
       values ($1, $2, $3, 'An aim', 'A tone', 'A prompt', $4, $5, $6)`,
      [
        role_prompt_id,
        workspace_id,
        name,
        overrides.examples ?? ['an example'],
        overrides.is_enabled ?? true,
        owner_user_id,
      ],
    ),
  );
  return { role_prompt_id, workspace_id };
}

/** A run that is done, with one step; in the person's context if one is given. */
export async function seedRun(
  db: Db,
  payer: { user_id: string; workspace_id: string; context_id?: string },
): Promise<SeededRun> {
  const { user_id, workspace_id, context_id = null } = payer;
  const [run_id, step_id] = [randomUUIDv7(), randomUUIDv7()];
  await write(
    db,
    user_id,
    `insert into app.agent_runs (id, user_id, workspace_id, context_id, idempotency_key, request_hash, status, finished_at)
     values ($1, $2, $3, $4, $1::uuid::text, 'x', 'done', now())`,
    [run_id, user_id, workspace_id, context_id],
  );
  await write(
    db,
    user_id,
    `insert into app.agent_steps (id, user_id, workspace_id, run_id, kind, provider, model, outcome, finished_at)
     values ($1, $2, $3, $4, 'specialist', 'local-rules', 'local-rules', 'done', now())`,
    [step_id, user_id, workspace_id, run_id],
  );
  return { run_id, step_id, user_id, workspace_id, context_id };
}

/** A call of a tool, by default one that waits for the person's word. */
export async function seedToolCall(
  db: Db,
  run: SeededRun,
  overrides: { name?: string; arguments?: object; status?: string; undo?: object } = {},
): Promise<{ tool_call_id: string }> {
  const tool_call_id = randomUUIDv7();
  await write(
    db,
    run.user_id,
    `insert into app.tool_calls (id, user_id, run_id, step_id, context_id, name, arguments, summary, status, undo, expires_at)
     values ($1, $2, $3, $4, $5, $6, $7, 'Seeded call', $8, $9, now() + interval '1 hour')`,
    [
      tool_call_id,
      run.user_id,
      run.run_id,
      run.step_id,
      run.context_id,
      overrides.name ?? 'remember',
      overrides.arguments ?? { content: 'Seeded words.' },
      overrides.status ?? 'needs_confirmation',
      overrides.undo ?? null,
    ],
  );
  return { tool_call_id };
}

/** What stood in the prompt of a run: a message, cited. */
export async function seedContextItem(
  db: Db,
  run: SeededRun,
  item_id: string,
  { citation = 1, is_cited = true } = {},
): Promise<void> {
  await write(
    db,
    run.user_id,
    `insert into app.context_items (user_id, run_id, step_id, ordinal, kind, item_id, leg, score, tokens, is_included, citation)
     values ($1, $2, $3, $5, 'message', $4, 'lexical', 0.5, 10, true, $5)`,
    [run.user_id, run.run_id, run.step_id, item_id, citation],
  );
  if (!is_cited) return;
  const cited = { index: citation, kind: 'message', id: item_id };
  await write(
    db,
    run.user_id,
    'update app.agent_runs set citations = citations || $3::jsonb where user_id = $1 and id = $2',
    [run.user_id, run.run_id, JSON.stringify([cited])],
  );
}

const write = (db: Db, user_id: string, text: string, params: unknown[]): Promise<unknown> =>
  withContext(db, { user_id }, (tx) => tx.call(text, params));
