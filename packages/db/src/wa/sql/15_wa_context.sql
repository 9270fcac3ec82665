-- The worker's schema. Its rows are a session's (family session), and the second wall is the session that a transaction has named.

create or replace function wa.secure_tables() returns void
language plpgsql set search_path = wa, pg_temp as $$
declare
  v_table record;
  v_policy record;
begin
  for v_table in
    select c.oid, c.relname as name, obj_description(c.oid, 'pg_class') as comment
    from pg_class c where c.relnamespace = 'wa'::regnamespace and c.relkind in ('r', 'p')
  loop
    execute format('alter table wa.%I enable row level security, force row level security', v_table.name);
    for v_policy in select polname from pg_policy where polrelid = v_table.oid loop
      execute format('drop policy %I on wa.%I', v_policy.polname, v_table.name);
    end loop;
    if substring(v_table.comment from 'family: (\w+)') is distinct from 'session' then
      raise exception 'table wa.% names no known family in its comment', v_table.name;
    end if;
    execute format($p$create policy family on wa.%I
      using (session_id = (select nullif(current_setting('wa.session_id', true), '')::uuid))
      with check (session_id = nullif(current_setting('wa.session_id', true), '')::uuid)$p$, v_table.name);
  end loop;
end $$;

-- The rest of the transaction sees this session's rows, and no other's.
create or replace function wa.set_session_context(p_session_id uuid) returns void
language plpgsql set search_path = wa, pg_temp as $$
begin
  perform set_config('wa.session_id', p_session_id::text, true);
end $$;

-- The session's context for who holds its lease: nobody else can take it before the transaction ends. Raises lease.lost.
create or replace function wa.hold_lease(p_session_id uuid, p_worker_id uuid, p_generation bigint) returns void
language plpgsql set search_path = wa, pg_temp as $$
begin
  perform set_config('wa.session_id', p_session_id::text, true);
  perform from sessions s
  where s.session_id = p_session_id and s.generation = p_generation and s.worker_id = p_worker_id for no key update;
  if not found then
    perform app.fail('PT409', 'lease.lost', 'Another worker holds this session.');
  end if;
end $$;

-- Tells the API; in the transaction of what it tells of. The session, its generation and who holds it are added here. Answers the id of
-- the event. Of two events of a session the one that was written later has the higher number, unless neither could know of the other.
create or replace function wa.append_event(p_session_id uuid, p_kind text, p_payload jsonb, p_request_id text default null,
  p_traceparent text default null) returns uuid
language plpgsql set search_path = wa, pg_temp as $$
declare
  v_id constant uuid := app.uuidv7();
  v_generation bigint;
  v_worker_id uuid;
begin
  select s.generation, s.worker_id into v_generation, v_worker_id from sessions s where s.session_id = p_session_id;
  insert into events (id, session_id, kind, worker_id, payload, request_id, traceparent)
  values (v_id, p_session_id, p_kind, v_worker_id,
    p_payload || jsonb_build_object('session_id', p_session_id, 'generation', coalesce(v_generation, 0)), p_request_id, p_traceparent);
  return v_id;
end $$;

-- Counts towards a session's UTC day.
create or replace function wa.count_usage(p_session_id uuid, p_sent int, p_received int, p_media_bytes bigint, p_cold_sent int) returns void
language plpgsql set search_path = wa, pg_temp as $$
begin
  insert into usage as u (session_id, day, sent, received, media_bytes, cold_sent)
  values (p_session_id, (now() at time zone 'UTC')::date, p_sent, p_received, p_media_bytes, p_cold_sent)
  on conflict (session_id, day) do update set sent = u.sent + excluded.sent, received = u.received + excluded.received,
    media_bytes = u.media_bytes + excluded.media_bytes, cold_sent = u.cold_sent + excluded.cold_sent,
    changed_at = now(), reported_at = null;
end $$;

grant usage on schema wa to wa_user;
grant select, insert, update, delete on wa.sessions, wa.signal_keys, wa.backups, wa.contacts, wa.chats, wa.messages, wa.message_receipts,
  wa.media, wa.events, wa.event_relays, wa.usage to wa_user;
grant execute on function wa.set_session_context, wa.hold_lease, wa.append_event, wa.count_usage to wa_user;
