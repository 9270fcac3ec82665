create table app.webhooks (
  id uuid primary key,
  workspace_id uuid not null references app.workspaces (id) on delete cascade,
  url text not null check (char_length(url) between 1 and 2000),
  description text not null default '' check (char_length(description) <= 500),
  -- Audit actions; `member.*` is every action of members. None: every action.
  event_types text[] not null default '{}' check (cardinality(event_types) <= 50),
  -- Sealed. The one before signs too until it expires.
  secret text not null,
  previous_secret text,
  previous_secret_expires_at timestamptz,
  status text not null default 'enabled' check (status in ('enabled', 'disabled')),
  disabled_reason text check (disabled_reason in ('manual', 'gone', 'failing', 'creator_left')),
  disabled_at timestamptz,
  -- Failed attempts since the last success, whatever message they were of, and when the first of them was.
  consecutive_failures int not null default 0,
  failing_since timestamptz,
  -- Which job sends to this endpoint now: one at a time in the whole cluster, so that a slow endpoint holds up nobody else.
  lease_holder uuid,
  lease_until timestamptz,
  created_by uuid not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  check ((status = 'disabled') = (disabled_reason is not null))
) with (fillfactor = 70);
create index webhooks_workspace on app.webhooks (workspace_id, id);
-- The probe that every audited action pays.
create index webhooks_enabled on app.webhooks (workspace_id) where status = 'enabled';
comment on table app.webhooks is 'family: workspace. Where a customer wants to be told of what is audited.';

-- No foreign key to webhooks: it would lock the endpoint's row in every audited transaction, and fail the transaction whose
-- endpoint is deleted meanwhile. Deleting an endpoint deletes its rows; what comes too late for that expires.
create table app.webhook_deliveries (
  id uuid primary key,
  workspace_id uuid not null references app.workspaces (id) on delete cascade,
  webhook_id uuid not null,
  event_type text not null,
  -- json, not jsonb: each attempt sends and signs the stored text.
  payload json not null,
  status text not null default 'pending' check (status in ('pending', 'delivered', 'failed')),
  -- All attempts, and those since it was made or last redelivered, which the schedule counts.
  attempts int not null default 0,
  step int not null default 0,
  next_attempt_at timestamptz,
  -- Since it was made or last redelivered, as step.
  first_attempt_at timestamptz,
  last_attempt_at timestamptz,
  last_status int,
  last_latency_ms int,
  last_error text check (char_length(last_error) <= 500),
  response_excerpt text check (char_length(response_excerpt) <= 1000),
  created_at timestamptz not null default now(),
  check ((status = 'pending') = (next_attempt_at is not null))
) with (fillfactor = 80);
create index webhook_deliveries_log on app.webhook_deliveries (workspace_id, webhook_id, id);
create index webhook_deliveries_due on app.webhook_deliveries (webhook_id, next_attempt_at, id) where status = 'pending';
create index webhook_deliveries_late on app.webhook_deliveries (next_attempt_at) where status = 'pending';
create index webhook_deliveries_created on app.webhook_deliveries (created_at);
comment on table app.webhook_deliveries is 'family: workspace. What was told to which endpoint, and how that went. Kept for 30 days.';
