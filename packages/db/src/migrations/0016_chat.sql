-- Chat and memory belong to a person (family person); a workspace pays for a run and may add role prompts. What searches over these
-- tables does so in definer functions that filter by the person: under row-level security no index on an array is used.

-- Topics of a person's conversation.
create table app.chat_contexts (
  id uuid primary key,
  user_id uuid not null references app.users (id) on delete cascade,
  title text not null check (char_length(title) between 1 and 200),
  -- Who named it: a name that the person chose is not changed by a model.
  titled_by text not null default 'rules' check (titled_by in ('rules', 'model', 'user', 'import')),
  -- Rolling: what was said up to summary_until (chat_messages.seq).
  summary text check (char_length(summary) <= 8000),
  summary_until bigint not null default 0,
  status text not null default 'active' check (status in ('active', 'archived')),
  -- Of an import: what the other system calls it.
  import_source text check (char_length(import_source) between 1 and 64),
  external_id text check (char_length(external_id) between 1 and 255),
  version int not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  last_message_at timestamptz not null default now(),
  unique (user_id, id)
) with (fillfactor = 70);
create unique index chat_contexts_external on app.chat_contexts (user_id, import_source, external_id) where external_id is not null;
create index chat_contexts_recent on app.chat_contexts (user_id, status, last_message_at desc, id desc);
comment on table app.chat_contexts is 'family: person.';

-- One row a person: the counter of their messages, which is also the lock of who writes them, where they are, and what they chose.
create table app.chat_heads (
  user_id uuid primary key references app.users (id) on delete cascade,
  seq bigint not null default 0,
  active_context_id uuid,
  -- A role prompt that the person has fixed; null: chosen for each turn.
  role_prompt_id uuid,
  -- False: nothing is remembered from what is said, and no memory comes into a prompt.
  is_memory_enabled boolean not null default true,
  version int not null default 1,
  updated_at timestamptz not null default now(),
  foreign key (user_id, active_context_id) references app.chat_contexts (user_id, id) on delete set null (active_context_id)
) with (fillfactor = 50);
create index chat_heads_active on app.chat_heads (user_id, active_context_id);
comment on table app.chat_heads is 'family: person.';

create table app.chat_messages (
  id uuid primary key,
  user_id uuid not null,
  context_id uuid not null,
  -- The order of arrival; within a context messages stand by (created_at, seq).
  seq bigint not null,
  -- Whose side: what the person said, or what was said to them.
  role text not null check (role in ('user', 'assistant')),
  -- Of an import of a conversation between people: who said it.
  author_name text check (char_length(author_name) between 1 and 200),
  content text not null check (char_length(content) between 1 and 32000),
  source text not null default 'chat' check (source in ('chat', 'import', 'whatsapp')),
  import_source text check (char_length(import_source) between 1 and 64),
  external_id text check (char_length(external_id) between 1 and 255),
  -- The run that it began or answers.
  run_id uuid,
  -- Of an answer that was cut off: why ('cancelled', 'max_tokens', …).
  finish_reason text,
  -- en, id, or und when neither is recognised.
  language text not null default 'und' check (language in ('en', 'id', 'und')),
  -- What its relative dates meant when it was said: [{text, from, to}], local dates of the person's zone.
  mentions jsonb not null default '[]' check (jsonb_typeof(mentions) = 'array'),
  created_at timestamptz not null,
  stored_at timestamptz not null default now(),
  unique (user_id, id),
  unique (user_id, seq),
  foreign key (user_id, context_id) references app.chat_contexts (user_id, id) on delete cascade
);
create unique index chat_messages_external on app.chat_messages (user_id, import_source, external_id) where external_id is not null;
create index chat_messages_context on app.chat_messages (user_id, context_id, created_at, seq);
create index chat_messages_time on app.chat_messages (user_id, created_at, seq);
create index chat_messages_run on app.chat_messages (run_id) where run_id is not null;
comment on table app.chat_messages is 'family: person.';

-- The lexical index. Its owner is a person for messages, a workspace for blocks. A term is app.term_id(owner, stem): salted with its
-- owner, so that the posting lists of the index are an owner's own.
create table app.lexicons (
  owner_id uuid primary key,
  documents bigint not null default 0
) with (fillfactor = 50);
comment on table app.lexicons is 'family: private. How many documents an owner has; the lock of who changes them.';

create table app.lexicon_terms (
  owner_id uuid not null references app.lexicons (owner_id) on delete cascade,
  term int not null,
  documents int not null check (documents >= 0),
  primary key (owner_id, term)
) with (fillfactor = 70);
comment on table app.lexicon_terms is 'family: private. In how many documents of its owner a term stands.';

create table app.message_terms (
  message_id uuid primary key,
  user_id uuid not null,
  context_id uuid not null,
  created_at timestamptz not null,
  -- Of the whole window, ascending; weights has the same indices.
  terms int[] not null check (cardinality(terms) <= 1000),
  weights sparsevec not null,
  foreign key (user_id, message_id) references app.chat_messages (user_id, id) on delete cascade
);
create index message_terms_terms on app.message_terms using gin (terms) with (fastupdate = off);
create index message_terms_user on app.message_terms (user_id, message_id);
comment on table app.message_terms is 'family: private. Windowed BM25: saturated term frequencies of a message and its neighbours.';

create table app.message_embeddings (
  message_id uuid not null,
  user_id uuid not null,
  side text not null check (side in ('user', 'assistant')),
  model text not null check (char_length(model) <= 100),
  dimensions int not null,
  embedding halfvec(768) not null,
  created_at timestamptz not null default now(),
  primary key (message_id),
  foreign key (user_id, message_id) references app.chat_messages (user_id, id) on delete cascade
);
create index message_embeddings_user on app.message_embeddings (user_id, message_id);
create index message_embeddings_near on app.message_embeddings using hnsw (embedding halfvec_cosine_ops);
comment on table app.message_embeddings is 'family: private. Vectors of different models are never compared.';

create table app.block_terms (
  workspace_id uuid not null,
  canvas_id uuid not null,
  block_id uuid not null,
  updated_at timestamptz not null,
  terms int[] not null check (cardinality(terms) <= 1000),
  weights sparsevec not null,
  primary key (workspace_id, canvas_id, block_id),
  -- A block that moves to another canvas takes it along.
  foreign key (workspace_id, canvas_id, block_id) references app.blocks (workspace_id, canvas_id, id)
    on delete cascade on update cascade
);
create index block_terms_terms on app.block_terms using gin (terms) with (fastupdate = off);
comment on table app.block_terms is 'family: private.';

create table app.block_embeddings (
  workspace_id uuid not null,
  canvas_id uuid not null,
  block_id uuid not null,
  model text not null check (char_length(model) <= 100),
  dimensions int not null,
  embedding halfvec(768) not null,
  created_at timestamptz not null default now(),
  primary key (workspace_id, canvas_id, block_id),
  -- A block that moves to another canvas takes it along.
  foreign key (workspace_id, canvas_id, block_id) references app.blocks (workspace_id, canvas_id, id)
    on delete cascade on update cascade
);
create index block_embeddings_near on app.block_embeddings using hnsw (embedding halfvec_cosine_ops);
comment on table app.block_embeddings is 'family: private.';

-- What waits to be indexed and embedded. A row is written by a trigger, in the transaction of what it is about. No foreign keys, which a
-- block edit would pay for each time: triggers delete the rows of what is deleted. For the same reason next to no checks: only definer
-- functions write here.
create sequence app.embedding_revisions;
create table app.embedding_queue (
  -- message, memory or block
  subject_type text not null,
  subject_id uuid not null,
  -- Of a message or a memory: whose it is.
  user_id uuid,
  -- Of a block: where it stands; its id alone may exist elsewhere.
  workspace_id uuid,
  canvas_id uuid,
  -- Of the last change, never the same again: a worker removes only the revision that it has read.
  revision bigint not null default nextval('app.embedding_revisions'),
  -- Whether its words are in the lexical index; the vector may still wait for a provider.
  is_indexed boolean not null default false,
  -- 0: said just now; 1: imported, or to be embedded anew.
  priority smallint not null default 0,
  -- Of this revision, that were its own fault; an outage is none.
  attempts int not null default 0,
  -- Later than now: a worker has it, or it waits for what it needs; infinity: it was given up.
  available_at timestamptz not null default now(),
  -- A code: texts are nowhere here.
  last_error text,
  created_at timestamptz not null default now(),
  constraint embedding_queue_key unique nulls not distinct (subject_id, subject_type, workspace_id, canvas_id),
  check (num_nonnulls(user_id, workspace_id) = 1)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.05);
create index embedding_queue_due on app.embedding_queue (is_indexed, priority, available_at);
create index embedding_queue_user on app.embedding_queue (user_id, is_indexed) where user_id is not null;
comment on table app.embedding_queue is 'family: private.';

-- How far the search for what has no vector of the configured model has come, by type of subject.
create table app.embedding_walks (
  subject_type text primary key check (subject_type in ('message', 'memory', 'block')),
  -- Null: there was none.
  model text check (char_length(model) <= 100),
  -- The key of the last one that was looked at.
  position uuid[],
  finished_at timestamptz,
  updated_at timestamptz not null default now()
);
comment on table app.embedding_walks is 'family: private.';

-- What a person wants to be known of them always: facts and rules by (subject, attribute), of which one is valid at a time.
create table app.user_preferences (
  id uuid primary key,
  user_id uuid not null references app.users (id) on delete cascade,
  kind text not null check (kind in ('fact', 'preference', 'rule')),
  -- Whom it is about: 'user', or somebody else by name. Somebody asked about is not the user.
  subject text not null default 'user' check (char_length(subject) between 1 and 200),
  attribute text not null check (char_length(attribute) between 1 and 200),
  content text not null check (char_length(content) between 1 and 2000),
  -- Of the normalised content, by which the same said twice is one.
  content_hash text not null,
  source text not null check (source in ('said', 'manual', 'import')),
  source_message_id uuid,
  source_run_id uuid,
  -- The person's own words that it was taken from.
  quote text check (char_length(quote) <= 2000),
  confidence real not null default 1 check (confidence between 0 and 1),
  is_pinned boolean not null default false,
  valid_from timestamptz,
  valid_until timestamptz,
  -- What took its place, when that became known, and since when it holds: until then this one does.
  superseded_by uuid,
  superseded_at timestamptz,
  superseded_from timestamptz,
  version int not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (user_id, id),
  check ((superseded_by is null) = (superseded_at is null) and (superseded_by is null) = (superseded_from is null))
);
create unique index user_preferences_current on app.user_preferences (user_id, lower(subject), lower(attribute)) where superseded_at is null;
create unique index user_preferences_content on app.user_preferences (user_id, content_hash) where superseded_at is null;
create index user_preferences_list on app.user_preferences (user_id, created_at desc, id desc);
create index user_preferences_source on app.user_preferences (user_id, source_message_id);
create index user_preferences_superseded on app.user_preferences (user_id, superseded_by) where superseded_by is not null;
comment on table app.user_preferences is 'family: person.';

-- What a person told, that is remembered when it matters.
create table app.user_semantic_memories (
  id uuid primary key,
  user_id uuid not null references app.users (id) on delete cascade,
  kind text not null default 'memory' check (kind = 'memory'),
  subject text not null default 'user' check (char_length(subject) between 1 and 200),
  attribute text check (char_length(attribute) between 1 and 200),
  content text not null check (char_length(content) between 1 and 2000),
  content_hash text not null,
  source text not null check (source in ('said', 'manual', 'import')),
  source_message_id uuid,
  source_run_id uuid,
  quote text check (char_length(quote) <= 2000),
  confidence real not null default 1 check (confidence between 0 and 1),
  is_pinned boolean not null default false,
  valid_from timestamptz,
  valid_until timestamptz,
  superseded_by uuid,
  superseded_at timestamptz,
  superseded_from timestamptz,
  -- Written with the row: it is found by its words at once.
  terms int[] not null default '{}' check (cardinality(terms) <= 1000),
  weights sparsevec,
  version int not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (user_id, id),
  check ((superseded_by is null) = (superseded_at is null) and (superseded_by is null) = (superseded_from is null))
);
create unique index user_semantic_memories_content on app.user_semantic_memories (user_id, content_hash) where superseded_at is null;
create index user_semantic_memories_list on app.user_semantic_memories (user_id, created_at desc, id desc);
create index user_semantic_memories_source on app.user_semantic_memories (user_id, source_message_id);
create index user_semantic_memories_superseded on app.user_semantic_memories (user_id, superseded_by) where superseded_by is not null;
create index user_semantic_memories_terms on app.user_semantic_memories using gin (terms) with (fastupdate = off);
comment on table app.user_semantic_memories is 'family: person.';

create table app.memory_embeddings (
  memory_id uuid primary key,
  user_id uuid not null,
  model text not null check (char_length(model) <= 100),
  dimensions int not null,
  embedding halfvec(768) not null,
  created_at timestamptz not null default now(),
  foreign key (user_id, memory_id) references app.user_semantic_memories (user_id, id) on delete cascade
);
create index memory_embeddings_user on app.memory_embeddings (user_id, memory_id);
comment on table app.memory_embeddings is 'family: private.';

-- How the specialist is to be. workspace_id null: built in, for everybody (agent/sql writes those).
create table app.role_prompts (
  id uuid primary key,
  workspace_id uuid references app.workspaces (id) on delete cascade,
  -- Of a built-in one: what the code calls it.
  key text check (key ~ '^[a-z][a-z0-9_]{1,63}$'),
  name text not null check (char_length(name) between 1 and 100),
  -- Whether it is one of the coaching frames, which a person may fix and which set the tone of nudges.
  is_frame boolean not null default false,
  aim text not null check (char_length(aim) <= 1000),
  tone text not null check (char_length(tone) <= 500),
  prompt text not null check (char_length(prompt) between 1 and 8000),
  -- What people say who want it; it is chosen by how like these a message is.
  examples jsonb not null default '[]' check (jsonb_typeof(examples) = 'array'),
  is_enabled boolean not null default true,
  terms int[] not null default '{}' check (cardinality(terms) <= 1000),
  weights sparsevec,
  version int not null default 1,
  created_by uuid,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  check ((workspace_id is null) = (key is not null))
);
create unique index role_prompts_key on app.role_prompts (key) where key is not null;
create unique index role_prompts_name on app.role_prompts (workspace_id, lower(name)) where workspace_id is not null;
comment on table app.role_prompts is 'family: workspace.';

-- The ledger: one run a turn, its steps, the tools that it called, what stood in its prompts.
create table app.agent_runs (
  id uuid primary key,
  user_id uuid not null references app.users (id) on delete cascade,
  -- Who pays. No foreign key: the person's record outlives a workspace.
  workspace_id uuid not null,
  context_id uuid,
  source text not null default 'chat' check (source in ('chat', 'whatsapp')),
  -- The client's key, and what it stood for: the same key with another body is refused.
  idempotency_key text not null check (char_length(idempotency_key) between 1 and 255),
  request_hash text not null,
  status text not null default 'running' check (status in ('running', 'done', 'failed', 'cancelled')),
  -- A run belongs to the process that holds its lease; one whose lease is over may be taken on by a retry.
  attempt int not null default 1,
  lease_owner uuid,
  lease_until timestamptz,
  cancel_requested_at timestamptz,
  user_message_id uuid,
  answer_message_id uuid,
  -- {decision, context_id, title, confidence, by}
  judgement jsonb,
  role_prompt_id uuid,
  -- {section: {included, left_out}} and tokens: what the packer made of what there was.
  packing jsonb,
  finish_reason text,
  -- What the answer cites: [{index, kind, id, place_id, at, leg, score}], without its words.
  citations jsonb not null default '[]' check (jsonb_typeof(citations) = 'array'),
  error_code text,
  error_detail text check (char_length(error_detail) <= 2000),
  request_id text,
  traceparent text,
  started_at timestamptz not null default now(),
  first_token_at timestamptz,
  finished_at timestamptz,
  unique (user_id, id),
  unique (user_id, idempotency_key)
) with (fillfactor = 70);
create index agent_runs_list on app.agent_runs (user_id, started_at desc, id desc);
create index agent_runs_context on app.agent_runs (user_id, context_id);
-- Not by lease_until: a lease is renewed each second, and so an update of it touches no index.
create index agent_runs_open on app.agent_runs (user_id, started_at) where status = 'running';
create index agent_runs_workspace on app.agent_runs (workspace_id, started_at);
comment on table app.agent_runs is 'family: person.';

create table app.agent_steps (
  id uuid primary key,
  user_id uuid not null references app.users (id) on delete cascade,
  workspace_id uuid not null,
  -- Null: work for no run (embeddings), or one that was forgotten: what it took still counts.
  run_id uuid,
  attempt int not null default 1,
  kind text not null check (kind in ('judge', 'retrieve', 'specialist', 'assess', 'embed')),
  provider text not null,
  model text not null,
  -- SHA-256 of what the model was given.
  input_hash text,
  outcome text not null default 'running' check (outcome in ('running', 'done', 'failed', 'cancelled', 'abandoned', 'skipped')),
  -- Held against the quota of its day while it runs.
  reserved_tokens bigint not null default 0,
  reserved_cost_micros bigint not null default 0,
  prompt_tokens bigint not null default 0,
  output_tokens bigint not null default 0,
  thought_tokens bigint not null default 0,
  cached_tokens bigint not null default 0,
  -- Millionths of a US dollar.
  cost_micros bigint not null default 0,
  calls int not null default 0,
  latency_ms int,
  error_code text,
  -- The UTC day that it is counted in.
  day date not null default (now() at time zone 'UTC')::date,
  started_at timestamptz not null default now(),
  finished_at timestamptz,
  unique (user_id, id),
  foreign key (user_id, run_id) references app.agent_runs (user_id, id) on delete set null (run_id)
) with (fillfactor = 70);
create index agent_steps_run on app.agent_steps (user_id, run_id, started_at);
create index agent_steps_day on app.agent_steps (workspace_id, day);
create index agent_steps_running on app.agent_steps (started_at) where outcome = 'running';
comment on table app.agent_steps is 'family: person.';

create table app.tool_calls (
  id uuid primary key,
  user_id uuid not null,
  run_id uuid not null,
  step_id uuid not null,
  context_id uuid,
  name text not null check (char_length(name) between 1 and 100),
  -- As they were decided: a calendar that was named stands here by its id.
  arguments jsonb not null,
  -- In which their times are.
  time_zone text not null default 'UTC',
  -- What the person is shown of it: what will be, or was, done.
  summary text check (char_length(summary) <= 2000),
  status text not null check (status in ('running', 'done', 'failed', 'needs_confirmation', 'declined', 'expired')),
  result jsonb,
  -- How it is undone: {tool, arguments}; null: not.
  undo jsonb,
  undone_at timestamptz,
  error_code text,
  -- Of a call that waits, or waited, for the person's word: why, until when, and when it was given.
  confirm_reason text check (confirm_reason in ('affects_others', 'not_asked', 'destructive')),
  expires_at timestamptz,
  confirmed_at timestamptz,
  latency_ms int,
  created_at timestamptz not null default now(),
  finished_at timestamptz,
  unique (user_id, id),
  foreign key (user_id, run_id) references app.agent_runs (user_id, id) on delete cascade,
  foreign key (user_id, step_id) references app.agent_steps (user_id, id) on delete cascade
);
create index tool_calls_run on app.tool_calls (user_id, run_id, created_at);
create index tool_calls_step on app.tool_calls (user_id, step_id);
create index tool_calls_list on app.tool_calls (user_id, created_at desc, id desc);
create index tool_calls_expiring on app.tool_calls (expires_at) where status = 'needs_confirmation';
create index tool_calls_running on app.tool_calls (created_at) where status = 'running';
create index tool_calls_waiting on app.tool_calls (user_id, context_id, created_at) where status = 'needs_confirmation';
comment on table app.tool_calls is 'family: person.';

-- Every item that was put into a prompt, or for which there was no room.
create table app.context_items (
  user_id uuid not null,
  run_id uuid not null,
  step_id uuid not null,
  ordinal int not null,
  kind text not null check (kind in ('role', 'preference', 'memory', 'message', 'block', 'schedule', 'summary', 'recent')),
  item_id uuid,
  -- How it was found: lexical, vector, both, pinned, recent, always.
  leg text not null,
  score real,
  tokens int not null,
  is_included boolean not null,
  -- The number by which the answer may cite it.
  citation int,
  primary key (user_id, run_id, step_id, ordinal),
  foreign key (user_id, run_id) references app.agent_runs (user_id, id) on delete cascade,
  foreign key (user_id, step_id) references app.agent_steps (user_id, id) on delete cascade
);
create index context_items_step on app.context_items (user_id, step_id);
create index context_items_item on app.context_items (user_id, item_id);
comment on table app.context_items is 'family: person.';

-- What the settled steps of a day come to, written in the transaction that settles each.
create table app.usage_metrics (
  workspace_id uuid not null references app.workspaces (id) on delete cascade,
  day date not null,
  kind text not null,
  provider text not null,
  model text not null,
  steps bigint not null default 0,
  failures bigint not null default 0,
  calls bigint not null default 0,
  prompt_tokens bigint not null default 0,
  output_tokens bigint not null default 0,
  thought_tokens bigint not null default 0,
  cached_tokens bigint not null default 0,
  cost_micros bigint not null default 0,
  latency_ms bigint not null default 0,
  primary key (workspace_id, day, kind, provider, model)
) with (fillfactor = 50);
comment on table app.usage_metrics is 'family: workspace.';

-- What is spent and held of a day's quota: the lock of who reserves.
create table app.usage_budgets (
  workspace_id uuid not null references app.workspaces (id) on delete cascade,
  day date not null,
  reserved_tokens bigint not null default 0 check (reserved_tokens >= 0),
  reserved_cost_micros bigint not null default 0 check (reserved_cost_micros >= 0),
  used_tokens bigint not null default 0,
  used_cost_micros bigint not null default 0,
  primary key (workspace_id, day)
) with (fillfactor = 50);
comment on table app.usage_budgets is 'family: workspace.';

-- Of one workspace; what is null is the service's default. Set by operators, not by tenants.
create table app.usage_quotas (
  workspace_id uuid primary key references app.workspaces (id) on delete cascade,
  tokens_per_day bigint check (tokens_per_day >= 0),
  cost_micros_per_month bigint check (cost_micros_per_month >= 0),
  updated_at timestamptz not null default now()
);
comment on table app.usage_quotas is 'family: workspace.';
