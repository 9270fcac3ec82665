-- A table's comment names its family, from which app.secure_tables() makes its policies (platform/sql/90_policies.sql)
-- and the matrix test its expectations. `workspace_id: id` says that the column of that meaning has another name.

create table app.users (
  id uuid primary key,
  email text,
  name text not null default '',
  locale text not null default 'en',
  time_zone text not null default 'UTC',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index users_email on app.users (lower(email));
comment on table app.users is 'family: person; user_id: id. id is the subject of the token.';

create table app.workspaces (
  id uuid primary key,
  name text not null check (char_length(name) between 1 and 200),
  icon text check (char_length(icon) <= 200),
  owner_user_id uuid not null references app.users (id),
  is_personal boolean not null default false,
  access_version bigint not null default 0,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz
);
create index workspaces_owner on app.workspaces (owner_user_id);
create unique index workspaces_personal on app.workspaces (owner_user_id) where is_personal;
comment on table app.workspaces is 'family: workspace; workspace_id: id. The owner has no row in workspace_members.';

create table app.workspace_members (
  workspace_id uuid not null references app.workspaces (id) on delete cascade,
  user_id uuid not null references app.users (id) on delete cascade,
  role text not null check (role in ('admin', 'member', 'guest')),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (workspace_id, user_id)
);
create index workspace_members_user on app.workspace_members (user_id);
comment on table app.workspace_members is 'family: workspace.';

create table app.canvases (
  id uuid primary key,
  workspace_id uuid not null references app.workspaces (id) on delete cascade,
  title text not null check (char_length(title) <= 500),
  icon text check (char_length(icon) <= 200),
  version int not null default 1,
  created_by uuid not null,
  archived_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (workspace_id, id)
);
create index canvases_list on app.canvases (workspace_id, updated_at, id);
comment on table app.canvases is 'family: canvas; canvas_id: id.';

create table app.canvas_access (
  workspace_id uuid not null,
  canvas_id uuid not null,
  user_id uuid not null references app.users (id) on delete cascade,
  role text not null check (role in ('admin', 'editor', 'commenter', 'viewer')),
  invited_by uuid not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (workspace_id, canvas_id, user_id),
  foreign key (workspace_id, canvas_id) references app.canvases (workspace_id, id) on delete cascade
);
create index canvas_access_user on app.canvas_access (user_id);
create index canvas_access_workspace_user on app.canvas_access (workspace_id, user_id);
comment on table app.canvas_access is 'family: canvas. Who was invited to one canvas; workspace roles come on top.';

create table app.canvas_heads (
  canvas_id uuid primary key,
  workspace_id uuid not null,
  epoch uuid not null default gen_random_uuid(),
  seq bigint not null default 0,
  min_seq bigint not null default 0,
  access_version bigint not null default 0,
  unique (workspace_id, canvas_id),
  foreign key (workspace_id, canvas_id) references app.canvases (workspace_id, id) on delete cascade
) with (fillfactor = 50);
comment on table app.canvas_heads is
  'family: canvas. The lock and the counter of a canvas; apart from canvases so that each update is HOT. min_seq: events up to it are gone.';

create table app.blocks (
  workspace_id uuid not null,
  canvas_id uuid not null,
  id uuid not null,
  parent_id uuid,
  type text not null check (type ~ '^[a-z][a-z0-9_-]{0,63}$'),
  content jsonb not null check (jsonb_typeof(content) = 'object'),
  rank text collate "C" not null check (rank ~ '^[0-9A-Za-z]+$' and char_length(rank) <= 2000),
  version int not null default 1,
  created_by uuid not null,
  updated_by uuid not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz,
  primary key (workspace_id, canvas_id, id),
  constraint blocks_sibling_rank unique nulls not distinct (workspace_id, canvas_id, parent_id, rank) deferrable,
  foreign key (workspace_id, canvas_id) references app.canvases (workspace_id, id) on delete cascade,
  constraint blocks_parent foreign key (workspace_id, canvas_id, parent_id)
    references app.blocks (workspace_id, canvas_id, id) on delete cascade
) with (fillfactor = 85);
-- A canvas is in one workspace: else the planner takes the two for independent and expects next to no rows.
create statistics app.blocks_tenant (dependencies, ndistinct) on workspace_id, canvas_id from app.blocks;
comment on table app.blocks is
  'family: canvas. The key begins with the tenant, so an id that exists elsewhere tells nothing. Trashed rows keep their rank.';

create table app.canvas_events (
  workspace_id uuid not null,
  canvas_id uuid not null,
  seq bigint not null,
  type text not null,
  mutation_id uuid,
  request_hash text,
  actor_user_id uuid not null,
  request_id text not null,
  payload json not null,
  created_at timestamptz not null,
  primary key (workspace_id, canvas_id, seq),
  unique (workspace_id, canvas_id, mutation_id),
  foreign key (workspace_id, canvas_id) references app.canvases (workspace_id, id) on delete cascade
);
comment on table app.canvas_events is
  'family: canvas. What was accepted, in order; also the history of blocks. payload is json, not jsonb: clients get the stored text.';

create table app.outbox (
  id uuid primary key,
  topic text not null,
  workspace_id uuid,
  user_id uuid,
  payload jsonb not null,
  traceparent text,
  request_id text,
  created_at timestamptz not null default now(),
  available_at timestamptz not null default now()
);
create index outbox_available on app.outbox (available_at, id);
create index outbox_workspace on app.outbox (workspace_id);
comment on table app.outbox is 'family: outbox. Written with the work that it belongs to, taken and deleted by the relay alone.';

create table app.user_heads (
  user_id uuid primary key references app.users (id) on delete cascade,
  epoch uuid not null default gen_random_uuid(),
  seq bigint not null default 0
) with (fillfactor = 50);
comment on table app.user_heads is 'family: person.';

create table app.user_events (
  user_id uuid not null references app.user_heads (user_id) on delete cascade,
  seq bigint not null,
  outbox_id uuid not null,
  type text not null,
  payload jsonb not null,
  created_at timestamptz not null,
  primary key (user_id, seq),
  unique (user_id, outbox_id)
);
comment on table app.user_events is 'family: person. What /ws/me delivers.';

create table app.idempotency_keys (
  user_id uuid not null references app.users (id) on delete cascade,
  key text not null check (char_length(key) between 1 and 255),
  operation text not null,
  request_hash text not null,
  result jsonb,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null default now() + interval '24 hours',
  primary key (user_id, key)
);
create index idempotency_keys_expires on app.idempotency_keys (expires_at);
comment on table app.idempotency_keys is 'family: person.';

create table app.audit_logs (
  id uuid primary key,
  workspace_id uuid,
  actor_type text not null check (actor_type in ('user', 'system')),
  actor_user_id uuid,
  action text not null,
  target_type text not null,
  target_id text not null,
  canvas_id uuid,
  before jsonb,
  after jsonb,
  request_id text,
  created_at timestamptz not null default now()
);
create index audit_logs_workspace on app.audit_logs (workspace_id, created_at);
create index audit_logs_actor on app.audit_logs (workspace_id, actor_user_id);
comment on table app.audit_logs is 'family: audit. Append-only by grant. No foreign keys: it outlives what it tells of.';

create table app.system_health (
  service text not null,
  instance_id text not null,
  version text not null,
  status text not null check (status in ('ok', 'degraded', 'draining')),
  checks jsonb not null,
  started_at timestamptz not null,
  reported_at timestamptz not null,
  primary key (service, instance_id)
);
comment on table app.system_health is 'family: system.';
