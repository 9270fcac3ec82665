-- What search reads: one row per live block with words in it, and one per canvas for its title (block_id null). Apart from
-- blocks, so that an edit of a block stays HOT there and a move touches nothing here. Kept by triggers, in the same transaction.
create table app.search_documents (
  workspace_id uuid not null,
  canvas_id uuid not null,
  block_id uuid,
  type text,
  document tsvector not null,
  updated_at timestamptz not null,
  constraint search_documents_key unique nulls not distinct (workspace_id, canvas_id, block_id),
  foreign key (workspace_id, canvas_id) references app.canvases (workspace_id, id) on delete cascade
);
-- GIN has no leading column, not even over several: each key is searched over all tenants, and the prefix of a word that is
-- being typed would read everybody's. So every lexeme begins with its workspace (app.search_document), and the index with it.
create index search_documents_words on app.search_documents using gin (document);
create index search_documents_newest on app.search_documents (workspace_id, updated_at);
comment on table app.search_documents is 'family: canvas. Each lexeme begins with the tag of its workspace. No role may touch it: app.search reads it.';

create table app.comments (
  workspace_id uuid not null,
  canvas_id uuid not null,
  id uuid not null,
  thread_id uuid,
  block_id uuid,
  text text not null check (char_length(text) <= 10000),
  mentions uuid[] not null default '{}' check (cardinality(mentions) <= 50),
  version int not null default 1,
  created_by uuid not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  edited_at timestamptz,
  resolved_at timestamptz,
  resolved_by uuid,
  deleted_at timestamptz,
  primary key (workspace_id, canvas_id, id),
  check (thread_id is null or (resolved_at is null and thread_id <> id)),
  foreign key (workspace_id, canvas_id) references app.canvases (workspace_id, id) on delete cascade,
  foreign key (workspace_id, canvas_id, thread_id) references app.comments (workspace_id, canvas_id, id) on delete cascade
);
create index comments_thread on app.comments (workspace_id, canvas_id, thread_id, id);
comment on table app.comments is
  'family: canvas. thread_id null: begins a thread. block_id has no foreign key: what was said of a block outlives it. Of a deleted comment nothing but its place remains.';

create table app.share_links (
  workspace_id uuid not null,
  canvas_id uuid not null,
  id uuid not null,
  token_hash bytea not null unique check (octet_length(token_hash) = 32),
  last_four text not null check (char_length(last_four) = 4),
  password_hash text check (char_length(password_hash) <= 500),
  expires_at timestamptz,
  created_by uuid not null,
  created_at timestamptz not null default now(),
  last_used_at timestamptz,
  use_count bigint not null default 0,
  primary key (workspace_id, canvas_id, id),
  foreign key (workspace_id, canvas_id) references app.canvases (workspace_id, id) on delete cascade
);
comment on table app.share_links is 'family: canvas. token_hash is SHA-256; the token itself is nowhere.';
