create table app.invitations (
  id uuid primary key,
  workspace_id uuid not null references app.workspaces (id) on delete cascade,
  -- Null: to the workspace itself.
  canvas_id uuid,
  type text not null check (type in ('USER_ID', 'EMAIL')),
  user_id uuid references app.users (id) on delete cascade,
  email text check (email = lower(email) and char_length(email) <= 320),
  role text not null,
  -- SHA-256 of the token in hex. The token itself is nowhere but in the mail.
  token_hash text not null unique check (token_hash ~ '^[0-9a-f]{64}$'),
  status text not null default 'pending' check (status in ('pending', 'accepted', 'rejected', 'revoked', 'expired')),
  expires_at timestamptz not null,
  invited_by uuid not null,
  sent_count int not null default 1,
  last_sent_at timestamptz not null default now(),
  responded_at timestamptz,
  accepted_by uuid,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  foreign key (workspace_id, canvas_id) references app.canvases (workspace_id, id) on delete cascade,
  constraint invitations_target check ((type = 'USER_ID') = (user_id is not null) and (type = 'EMAIL') = (email is not null)),
  constraint invitations_role check (role in ('admin', 'member', 'guest') and canvas_id is null
    or role in ('admin', 'editor', 'commenter', 'viewer') and canvas_id is not null),
  constraint invitations_accepted check ((status = 'accepted') = (accepted_by is not null))
);
-- One pending invitation per place and address or person.
create unique index invitations_pending_email on app.invitations (workspace_id, canvas_id, email) nulls not distinct
  where status = 'pending' and email is not null;
create unique index invitations_pending_user on app.invitations (workspace_id, canvas_id, user_id) nulls not distinct
  where status = 'pending' and user_id is not null;
create index invitations_list on app.invitations (workspace_id, canvas_id, id);
create index invitations_inviter on app.invitations (workspace_id, invited_by) where status = 'pending';
create index invitations_user on app.invitations (user_id);
create index invitations_email on app.invitations (email) where status = 'pending';
create index invitations_expires on app.invitations (expires_at) where status = 'pending';
comment on table app.invitations is 'family: canvas. To a canvas, or where canvas_id is null to the workspace.';

create table app.mail_deliveries (
  outbox_id uuid primary key,
  workspace_id uuid,
  template text not null,
  -- What the mail is about, such as the id of an invitation. No address, no text.
  reference text not null,
  status text not null default 'sending' check (status in ('sending', 'sent', 'parked', 'dropped')),
  attempts int not null default 1,
  reason text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index mail_deliveries_workspace on app.mail_deliveries (workspace_id);
create index mail_deliveries_old on app.mail_deliveries (updated_at);
comment on table app.mail_deliveries is 'family: private. What became of each mail.';
