-- The WhatsApp gateway. The API owns cards, workers, links and usage (schema app); the worker owns what passes through a session and its
-- keys (schema wa, role wa_user). Neither role has a right in the other's schema: what one must know of the other is told by HTTP.

-- ---------------------------------------------------------------- the API's part

create table app.whatsapp_workers (
  id uuid primary key,
  -- Where it runs, such as a pod: whoever registers under a name takes the place of the process that had it.
  name text not null unique check (char_length(name) between 1 and 128),
  url text not null check (char_length(url) between 1 and 500),
  version text not null check (char_length(version) <= 64),
  status text not null default 'alive' check (status in ('alive', 'draining', 'dead')),
  capacity int not null check (capacity between 1 and 100000),
  -- As of the last beat.
  sessions int not null default 0,
  load jsonb not null default '{}' check (jsonb_typeof(load) = 'object'),
  heartbeat_ms int not null check (heartbeat_ms between 100 and 600000),
  heartbeat_at timestamptz not null default now(),
  registered_at timestamptz not null default now()
) with (fillfactor = 70);
comment on table app.whatsapp_workers is 'family: system. Processes that hold sessions.';

-- A card: one linked account as the API knows it. Its keys and messages are the worker's.
create table app.whatsapp_sessions (
  id uuid primary key,
  workspace_id uuid not null references app.workspaces (id) on delete cascade,
  name text not null check (char_length(name) between 1 and 100),
  created_by uuid not null references app.users (id),
  -- What was asked for.
  desired_state text not null default 'disconnected' check (desired_state in ('disconnected', 'connected', 'logged_out', 'deleted')),
  -- What the worker said last.
  status text not null default 'created' check (status in ('created', 'connecting', 'pairing', 'connected', 'disconnected', 'logged_out', 'banned', 'replaced', 'failed')),
  status_reason text check (char_length(status_reason) <= 200),
  close_code int,
  status_at timestamptz not null default now(),
  -- The QR code itself is in Redis alone.
  qr_serial int,
  qr_expires_at timestamptz,
  -- The order of what workers say: under which generation the last of it was said, and its number in the worker's log.
  status_generation bigint not null default 0,
  status_seq bigint not null default 0,
  phone text check (phone ~ '^[0-9]{5,20}$'),
  lid text check (char_length(lid) <= 64),
  profile_name text check (char_length(profile_name) <= 200),
  -- Who holds it by the API's decision. Each decision takes the next generation, and fences all before it.
  worker_id uuid references app.whatsapp_workers (id) on delete set null,
  generation bigint not null default 0,
  placed_at timestamptz,
  -- How it is linked while it is not; null: by nothing, unless it is linked already.
  login jsonb check (jsonb_typeof(login) = 'object'),
  -- Counts what was asked for, so that who has carried something out sees whether it is still what is wanted.
  intent int not null default 0,
  -- Of these the last that asked for a state, and the last that was carried out.
  asked_intent int not null default 0,
  settled_intent int not null default 0,
  -- The last that asked for an end (disconnect, logout), until its card is placed anew.
  end_intent int not null default 0,
  -- When the jobs look at it next; null: all that was asked for is done.
  retry_at timestamptz,
  settings jsonb not null default '{}' check (jsonb_typeof(settings) = 'object'),
  -- Said once to whoever writes without being linked; null: nothing.
  unlinked_reply text check (char_length(unlinked_reply) between 1 and 1000),
  version int not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (workspace_id, id)
) with (fillfactor = 70);
create index whatsapp_sessions_list on app.whatsapp_sessions (workspace_id, created_at desc, id desc);
create index whatsapp_sessions_worker on app.whatsapp_sessions (worker_id) where worker_id is not null;
create index whatsapp_sessions_created_by on app.whatsapp_sessions (created_by);
create index whatsapp_sessions_phone on app.whatsapp_sessions (phone) where phone is not null;
create index whatsapp_sessions_lid on app.whatsapp_sessions (lid) where lid is not null;
create index whatsapp_sessions_due on app.whatsapp_sessions (retry_at) where retry_at is not null;
comment on table app.whatsapp_sessions is 'family: workspace.';

-- A contact of a session is this person. One link a contact, one a person and session.
create table app.whatsapp_links (
  id uuid primary key,
  user_id uuid not null references app.users (id) on delete cascade,
  session_id uuid not null references app.whatsapp_sessions (id) on delete cascade,
  -- The worker's id of the contact, which stays when a phone number becomes a LID.
  contact_id uuid not null,
  chat_id uuid not null,
  phone text check (phone ~ '^[0-9]{5,20}$'),
  lid text check (char_length(lid) <= 64),
  -- Of a session to which anybody may link; of any other, whoever leaves its workspace loses the link.
  is_open boolean not null default false,
  -- When they were told last that only text is read.
  text_only_at timestamptz,
  created_at timestamptz not null default now(),
  unique (session_id, contact_id),
  unique (user_id, session_id)
);
create index whatsapp_links_lid on app.whatsapp_links (session_id, lid);
create index whatsapp_links_phone on app.whatsapp_links (session_id, phone);
comment on table app.whatsapp_links is 'family: person.';

create table app.whatsapp_link_codes (
  id uuid primary key,
  user_id uuid not null references app.users (id) on delete cascade,
  session_id uuid not null references app.whatsapp_sessions (id) on delete cascade,
  code_hash bytea not null unique,
  is_open boolean not null default false,
  expires_at timestamptz not null,
  created_at timestamptz not null default now(),
  unique (user_id, session_id)
);
create index whatsapp_link_codes_session on app.whatsapp_link_codes (session_id);
comment on table app.whatsapp_link_codes is 'family: person. One at a time for a person and session; deleted when it is used.';

-- Who has written what might have been a code and was none: guessing ends soon.
create table app.whatsapp_link_misses (
  session_id uuid not null references app.whatsapp_sessions (id) on delete cascade,
  contact_id uuid not null,
  misses int not null default 1,
  began_at timestamptz not null default now(),
  primary key (session_id, contact_id)
) with (fillfactor = 80);
create index whatsapp_link_misses_age on app.whatsapp_link_misses (began_at);
comment on table app.whatsapp_link_misses is 'family: private.';

-- What a linked person wrote and the partner has to answer, in order of a chat.
create table app.whatsapp_turns (
  id uuid primary key,
  user_id uuid not null references app.users (id) on delete cascade,
  session_id uuid not null references app.whatsapp_sessions (id) on delete cascade,
  chat_id uuid not null,
  message_id text not null check (char_length(message_id) between 1 and 128),
  content text check (char_length(content) between 1 and 32000),
  status text not null default 'pending' check (status in ('pending', 'answered', 'failed')),
  error_code text check (char_length(error_code) <= 100),
  -- Who pays; null: the person's own space. Decided once, so that each attempt asks for the same turn.
  workspace_id uuid,
  run_id uuid,
  attempts int not null default 0,
  -- The process that answers it now, of the first of a chat: the others wait for it.
  lease_owner uuid,
  lease_until timestamptz,
  request_id text,
  traceparent text,
  created_at timestamptz not null default now(),
  done_at timestamptz,
  unique (session_id, chat_id, message_id)
) with (fillfactor = 70);
create index whatsapp_turns_user on app.whatsapp_turns (user_id);
create index whatsapp_turns_pending on app.whatsapp_turns (session_id, chat_id, created_at, id) where status = 'pending';
create index whatsapp_turns_done on app.whatsapp_turns (done_at) where done_at is not null;
comment on table app.whatsapp_turns is 'family: person. The content goes when it is answered: it stands in the chat then.';

create table app.whatsapp_greetings (
  session_id uuid not null references app.whatsapp_sessions (id) on delete cascade,
  contact_id uuid not null,
  created_at timestamptz not null default now(),
  primary key (session_id, contact_id)
);
comment on table app.whatsapp_greetings is 'family: private. Who was told once that they are not linked.';

-- Webhooks of workers that were taken, so that each counts once.
create table app.whatsapp_event_receipts (
  event_id uuid primary key,
  session_id uuid,
  received_at timestamptz not null default now()
);
create index whatsapp_event_receipts_age on app.whatsapp_event_receipts (received_at);
comment on table app.whatsapp_event_receipts is 'family: private. Kept longer than a worker repeats a webhook.';

create table app.whatsapp_usage (
  workspace_id uuid not null references app.workspaces (id) on delete cascade,
  session_id uuid not null,
  day date not null,
  sent bigint not null default 0,
  received bigint not null default 0,
  media_bytes bigint not null default 0,
  updated_at timestamptz not null default now(),
  primary key (workspace_id, session_id, day)
);
comment on table app.whatsapp_usage is 'family: workspace. As the worker last reported; totals of a UTC day.';

-- Messages that were asked for while no worker could take them, in their order. What a worker has taken is not here any more.
create table app.whatsapp_sends (
  id uuid primary key,
  workspace_id uuid not null,
  session_id uuid not null,
  message_id text not null check (char_length(message_id) between 1 and 128),
  -- Sealed: what is to be sent, and the idempotency key. Null: it failed.
  request text,
  request_hash text not null,
  requested_by uuid not null,
  request_id text,
  traceparent text,
  status text not null default 'waiting' check (status in ('waiting', 'failed')),
  error_code text check (char_length(error_code) <= 100),
  seq bigint generated always as identity,
  created_at timestamptz not null default now(),
  unique (workspace_id, session_id, message_id),
  foreign key (workspace_id, session_id) references app.whatsapp_sessions (workspace_id, id) on delete cascade,
  check ((status = 'waiting') = (request is not null))
);
create index whatsapp_sends_waiting on app.whatsapp_sends (session_id, seq) where status = 'waiting';
create index whatsapp_sends_age on app.whatsapp_sends (created_at);
comment on table app.whatsapp_sends is 'family: workspace.';

-- ---------------------------------------------------------------- the worker's part

-- The lease and the credentials of a session.
create table wa.sessions (
  session_id uuid primary key,
  -- Of the API's decision who holds it. Whoever writes names both, and writes nothing when they are not these.
  generation bigint not null default 0,
  worker_id uuid,
  lease_until timestamptz,
  -- How far the log of the session is written. Each opening begins an epoch, so that a group that was sent once and comes late, or twice,
  -- is told from what followed it.
  log_epoch bigint not null default 0,
  log_position bigint not null default 0,
  -- Sealed (AES-256-GCM), with the id of the key. Null: never paired, or logged out.
  creds bytea,
  kid text check (char_length(kid) <= 32),
  status text not null default 'disconnected',
  status_reason text,
  close_code int,
  phone text,
  lid text,
  linked_at timestamptz,
  -- As commanded by the API.
  settings jsonb not null default '{}',
  -- WhatsApp refused new conversations (463) until then.
  restricted_until timestamptz,
  backed_up_at timestamptz,
  changed_at timestamptz not null default now(),
  created_at timestamptz not null default now()
) with (fillfactor = 50);
create index sessions_worker on wa.sessions (worker_id) where worker_id is not null;
comment on table wa.sessions is 'family: session.';

create table wa.signal_keys (
  session_id uuid not null references wa.sessions (session_id) on delete cascade,
  type text not null check (char_length(type) <= 32),
  id text not null check (char_length(id) <= 200),
  -- Sealed, with the id of the key.
  value bytea not null,
  kid text not null check (char_length(kid) <= 32),
  primary key (session_id, type, id)
) with (fillfactor = 80);
create index signal_keys_kid on wa.signal_keys (kid);
comment on table wa.signal_keys is 'family: session.';

create table wa.backups (
  object_key text primary key,
  session_id uuid not null,
  generation bigint not null,
  size bigint not null,
  created_at timestamptz not null default now()
);
create index backups_session on wa.backups (session_id, created_at desc);
comment on table wa.backups is 'family: session. Sealed copies of creds and keys in object storage.';

-- A person at the other end: one row, whether known by LID, by phone number or by both.
create table wa.contacts (
  id uuid primary key,
  session_id uuid not null references wa.sessions (session_id) on delete cascade,
  -- Without server and device: '1234@lid' is 1234.
  lid text check (lid ~ '^[0-9]{1,32}$'),
  phone text check (phone ~ '^[0-9]{5,20}$'),
  name text check (char_length(name) <= 200),
  is_business boolean not null default false,
  -- null: never asked.
  is_on_whatsapp boolean,
  checked_at timestamptz,
  first_inbound_at timestamptz,
  first_outbound_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (session_id, id),
  unique (session_id, lid),
  unique (session_id, phone),
  check (lid is not null or phone is not null)
) with (fillfactor = 80);
comment on table wa.contacts is 'family: session.';

create table wa.chats (
  id uuid primary key,
  session_id uuid not null references wa.sessions (session_id) on delete cascade,
  kind text not null check (kind in ('person', 'group', 'broadcast')),
  contact_id uuid,
  -- Without '@g.us'.
  group_id text check (char_length(group_id) <= 64),
  subject text check (char_length(subject) <= 300),
  -- [{contact_id, role}] as of refreshed_at.
  participants jsonb,
  refreshed_at timestamptz,
  unread int not null default 0,
  last_message_at timestamptz,
  created_at timestamptz not null default now(),
  unique (session_id, id),
  unique (session_id, contact_id),
  unique (session_id, group_id),
  foreign key (session_id, contact_id) references wa.contacts (session_id, id) on delete cascade,
  check ((kind = 'person') = (contact_id is not null))
) with (fillfactor = 70);
create index chats_recent on wa.chats (session_id, last_message_at desc, id desc);
comment on table wa.chats is 'family: session.';

-- The journal of what comes in, and the queue of what goes out.
create table wa.messages (
  id uuid primary key,
  session_id uuid not null,
  chat_id uuid not null,
  -- WhatsApp's own id; of what we send it follows from the idempotency key.
  message_id text not null check (char_length(message_id) between 1 and 128),
  direction text not null check (direction in ('in', 'out')),
  -- Null: ourselves.
  sender_id uuid,
  -- text, image, …; 'undecryptable' until the content comes.
  type text not null check (char_length(type) <= 32),
  -- The message as API and webhooks show it, without ids of people.
  content jsonb not null default '{}',
  -- The protobuf as WhatsApp has it: for quoting, for retries, for downloading media.
  proto bytea,
  quoted_message_id text,
  -- in: received, read. out: queued, sent, acked, delivered, read, failed.
  status text not null check (status in ('received', 'read', 'queued', 'sent', 'acked', 'delivered', 'failed')),
  error_code text check (char_length(error_code) <= 100),
  -- WhatsApp's time of the message; of ours the time when it was asked for.
  at timestamptz not null,
  sent_at timestamptz,
  acked_at timestamptz,
  delivered_at timestamptz,
  read_at timestamptz,
  edited_at timestamptz,
  deleted_at timestamptz,
  -- What follows is of the outbox alone.
  idempotency_key text check (char_length(idempotency_key) between 1 and 255),
  request_hash text,
  attempts int not null default 0,
  not_before timestamptz,
  hold_reason text check (char_length(hold_reason) <= 64),
  requested_by uuid,
  request_id text,
  traceparent text,
  seq bigint generated always as identity,
  created_at timestamptz not null default now(),
  unique (session_id, id),
  unique (session_id, chat_id, message_id),
  foreign key (session_id, chat_id) references wa.chats (session_id, id) on delete cascade,
  foreign key (session_id, sender_id) references wa.contacts (session_id, id)
) with (fillfactor = 80);
create unique index messages_idempotency on wa.messages (session_id, idempotency_key) where idempotency_key is not null;
create index messages_by_time on wa.messages (session_id, chat_id, at desc, seq desc);
create index messages_recent on wa.messages (session_id, seq desc);
create index messages_sender on wa.messages (session_id, sender_id);
create index messages_by_message_id on wa.messages (session_id, message_id);
-- What is about another message: content names it.
create index messages_about on wa.messages (session_id, chat_id, (content ->> 'message_id')) where type in ('reaction', 'edit', 'delete', 'poll_vote');
-- Small, whatever has passed: what has still to go out, or to be acknowledged.
create index messages_outbox on wa.messages (session_id, seq) where direction = 'out' and status in ('queued', 'sent');
comment on table wa.messages is 'family: session.';

-- Of groups: how far each participant is. Of reactions: who reacted how.
create table wa.message_receipts (
  session_id uuid not null,
  message_row_id uuid not null,
  contact_id uuid not null,
  status text not null check (status in ('delivered', 'read', 'played')),
  at timestamptz not null,
  primary key (session_id, message_row_id, contact_id),
  foreign key (session_id, message_row_id) references wa.messages (session_id, id) on delete cascade,
  foreign key (session_id, contact_id) references wa.contacts (session_id, id) on delete cascade
);
create index message_receipts_contact on wa.message_receipts (session_id, contact_id);
comment on table wa.message_receipts is 'family: session.';

create table wa.media (
  id uuid primary key,
  session_id uuid not null references wa.sessions (session_id) on delete cascade,
  -- Null: uploaded by the API's client and not sent yet.
  message_row_id uuid,
  direction text not null check (direction in ('in', 'out')),
  kind text not null check (kind in ('image', 'video', 'audio', 'voice', 'document', 'sticker')),
  media_type text not null check (char_length(media_type) <= 127),
  file_name text check (char_length(file_name) <= 255),
  size bigint,
  sha256 bytea,
  object_key text,
  -- in: pending → stored, failed, or too_large. out: awaited → stored.
  status text not null check (status in ('pending', 'awaited', 'stored', 'failed', 'too_large')),
  attempts int not null default 0,
  next_attempt_at timestamptz not null default now(),
  error text check (char_length(error) <= 200),
  created_at timestamptz not null default now(),
  unique (session_id, id),
  foreign key (session_id, message_row_id) references wa.messages (session_id, id) on delete cascade
) with (fillfactor = 80);
create index media_message on wa.media (session_id, message_row_id);
create index media_unsent on wa.media (created_at) where direction = 'out' and message_row_id is null;
create index media_due on wa.media (session_id, next_attempt_at) where status = 'pending' or (error = 'deleted' and object_key is not null);
comment on table wa.media is 'family: session.';

-- Webhooks to the API: written with what they tell of, delivered in the order of a session.
create table wa.events (
  id uuid primary key,
  seq bigint generated always as identity,
  session_id uuid not null,
  kind text not null check (kind in ('session-status', 'message-status', 'message-inbound', 'session-usage')),
  -- Who held the session then.
  worker_id uuid,
  payload jsonb not null,
  attempts int not null default 0,
  -- Of the first of a session: the others wait for it.
  next_attempt_at timestamptz not null default now(),
  -- How often the API refused this one by itself.
  refused int not null default 0,
  -- Dead, undelivered, from then on.
  expires_at timestamptz not null default now() + interval '3 days',
  dead_at timestamptz,
  last_error text check (char_length(last_error) <= 200),
  request_id text,
  traceparent text,
  created_at timestamptz not null default now()
) with (fillfactor = 70);
create index events_due on wa.events (session_id, seq) where dead_at is null;
create index events_dead on wa.events (dead_at) where dead_at is not null;
comment on table wa.events is 'family: session.';

-- Which process sends the events of a session now: one at a time, so that they stay in order.
create table wa.event_relays (
  session_id uuid primary key,
  holder uuid not null,
  held_until timestamptz not null
) with (fillfactor = 50);
comment on table wa.event_relays is 'family: session. No foreign key: what is told of a session may outlive it.';

create table wa.usage (
  session_id uuid not null references wa.sessions (session_id) on delete cascade,
  day date not null,
  sent bigint not null default 0,
  received bigint not null default 0,
  media_bytes bigint not null default 0,
  -- New conversations begun by us, against the budget of the day.
  cold_sent int not null default 0,
  changed_at timestamptz not null default now(),
  reported_at timestamptz,
  primary key (session_id, day)
) with (fillfactor = 50);
create index usage_unreported on wa.usage (changed_at) where reported_at is null;
comment on table wa.usage is 'family: session. Totals of a UTC day.';

alter table app.api_keys drop constraint api_keys_scopes_check;
alter table app.api_keys add constraint api_keys_scopes_check check (cardinality(scopes) >= 1
  and scopes <@ array['canvas:read', 'canvas:write', 'calendar:read', 'calendar:write', 'whatsapp:read', 'whatsapp:write',
    'workspace:read', 'workspace:admin']);
