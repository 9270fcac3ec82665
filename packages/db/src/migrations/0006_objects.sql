-- Files: what stands in object storage, and what a whole workspace is written to or read from.

create table app.attachments (
  workspace_id uuid not null,
  canvas_id uuid not null,
  id uuid not null,
  object_key text not null check (object_key ~ '^[A-Za-z0-9_/-]{16,200}$'),
  name text not null check (char_length(name) between 1 and 255),
  media_type text not null check (char_length(media_type) <= 255),
  size bigint not null check (size >= 0),
  status text not null default 'pending' check (status in ('pending', 'ready')),
  created_by uuid not null,
  created_at timestamptz not null default now(),
  ready_at timestamptz,
  checked_at timestamptz not null default now(),
  unreferenced_since timestamptz,
  primary key (workspace_id, canvas_id, id),
  foreign key (workspace_id, canvas_id) references app.canvases (workspace_id, id) on delete cascade
);
create index attachments_object on app.attachments (object_key);
create index attachments_checked on app.attachments (checked_at);
create index attachments_pending on app.attachments (created_at) where status = 'pending';
comment on table app.attachments is
  'family: canvas. A copy on another canvas has the same id and object_key, so that content can be copied as it is. checked_at, unreferenced_since: of the sweeper.';

create table app.transfers (
  id uuid primary key,
  workspace_id uuid not null references app.workspaces (id) on delete cascade,
  kind text not null check (kind in ('export', 'import')),
  status text not null check (status in ('awaiting_upload', 'queued', 'running', 'finished', 'failed')),
  object_key text check (object_key ~ '^[A-Za-z0-9_/-]{16,200}$'),
  size bigint check (size >= 0),
  done int not null default 0,
  total int,
  problems jsonb not null default '[]',
  failure jsonb,
  created_by uuid not null,
  request_id text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  started_at timestamptz,
  finished_at timestamptz,
  expires_at timestamptz not null
);
create index transfers_workspace on app.transfers (workspace_id, kind, created_at);
create unique index transfers_active on app.transfers (workspace_id, kind) where status in ('queued', 'running');
create index transfers_object on app.transfers (object_key);
create index transfers_expires on app.transfers (expires_at) where object_key is not null;
create index transfers_stalled on app.transfers (updated_at) where status in ('queued', 'running');
comment on table app.transfers is
  'family: workspace. Exports and imports of a whole workspace. problems: what of it could not be done, by file. object_key is null once the file is given up.';

create table app.released_objects (
  object_key text primary key,
  due_at timestamptz not null
);
create index released_objects_due on app.released_objects (due_at);
comment on table app.released_objects is
  'family: private. Objects that a row named which is gone. The sweeper deletes those that no other row names; whatever deletes a row, by cascade too, leaves its object here.';
