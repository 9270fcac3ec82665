-- No row: the defaults of these columns. A workspace gets its row with its first change.
create table app.workspace_settings (
  workspace_id uuid primary key references app.workspaces (id) on delete cascade,
  cors_origins text[] not null default '{}',
  rate_limits jsonb not null default '[]' check (jsonb_typeof(rate_limits) = 'array'),
  locale text not null default 'en' check (locale in ('en', 'id')),
  time_zone text not null default 'UTC',
  invite_domains text[] not null default '{}',
  features jsonb not null default '{}' check (jsonb_typeof(features) = 'object'),
  version int not null default 1,
  updated_at timestamptz not null default now()
);
-- Whether any workspace knows an origin, which a browser asks before it sends who is calling.
create index workspace_settings_origins on app.workspace_settings using gin (cors_origins);
comment on table app.workspace_settings is 'family: workspace.';
