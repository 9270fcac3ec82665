-- An API key acts as a user of its own kind: a row here and in workspace_members, so that every wall decides about it as
-- about a person. It is no person: no seat, no personal space, in no list of members.
alter table app.users add column kind text not null default 'person' check (kind in ('person', 'api_key'));

alter table app.workspaces
  -- Persons with a row in workspace_members, and the owner.
  add column seat_limit int not null default 1000 check (seat_limit >= 1),
  -- Of name, icon, owner and deletion; what If-Match compares.
  add column version int not null default 1;
-- What the purge looks for.
create index workspaces_deleted on app.workspaces (deleted_at) where deleted_at is not null;
