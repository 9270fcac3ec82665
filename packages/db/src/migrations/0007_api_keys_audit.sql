-- A key's id is the id of the user that it acts as (users.kind api_key), whose row in workspace_members is what it may do.
create table app.api_keys (
  id uuid primary key references app.users (id) on delete cascade,
  workspace_id uuid not null references app.workspaces (id) on delete cascade,
  name text not null check (char_length(name) between 1 and 100),
  scopes text[] not null check (cardinality(scopes) >= 1
    and scopes <@ array['canvas:read', 'canvas:write', 'workspace:read', 'workspace:admin']),
  prefix text not null check (char_length(prefix) = 8),
  last_four text not null check (char_length(last_four) = 4),
  key_hash bytea not null unique check (octet_length(key_hash) = 32),
  created_by uuid not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  last_used_at timestamptz,
  revoked_at timestamptz,
  revoked_by uuid
);
create index api_keys_workspace on app.api_keys (workspace_id, id);
create index api_keys_creator on app.api_keys (workspace_id, created_by) where revoked_at is null;
create index api_keys_expires on app.api_keys (expires_at) where revoked_at is null;
comment on table app.api_keys is
  'family: workspace. key_hash is SHA-256; the key itself is nowhere. A revoked key stays, to tell when it was used last.';

-- What the system acted for, where nobody did.
alter table app.audit_logs add column reason text;

-- Each answers newest first, so that a page is read off its end. Block edits are most of all rows and all have one action:
-- they are found by time, canvas and actor.
drop index app.audit_logs_workspace;
drop index app.audit_logs_actor;
create index audit_logs_newest on app.audit_logs (workspace_id, created_at, id);
create index audit_logs_actor on app.audit_logs (workspace_id, actor_user_id, created_at, id);
create index audit_logs_canvas on app.audit_logs (workspace_id, canvas_id, created_at, id) where canvas_id is not null;
create index audit_logs_target on app.audit_logs (workspace_id, target_id, created_at, id);
-- text_pattern_ops: found by how an action begins, whatever the collation of the database.
create index audit_logs_action on app.audit_logs (workspace_id, action text_pattern_ops, created_at, id) where action <> 'block.mutate';
