-- What workers say of sessions: each event counts once, in the order of its session.

-- Admins of a workspace. Only people: a key of the API has no channel of its own.
create or replace function app.whatsapp_admins(p_workspace_id uuid) returns uuid[]
language plpgsql stable set search_path = app, pg_temp as $$
begin
  return array(
    select u.id from workspaces w
    join users u on u.kind = 'person' and (u.id = w.owner_user_id
      or u.id in (select m.user_id from workspace_members m where m.workspace_id = w.id and m.role = 'admin'))
    where w.id = p_workspace_id and w.deleted_at is null);
end $$;

-- Those of p_user_ids who may read the messages of the workspace's sessions today.
create or replace function app.whatsapp_readers(p_workspace_id uuid, p_user_ids uuid[]) returns uuid[]
language plpgsql stable set search_path = app, pg_temp as $$
begin
  return array(
    select u.id from workspaces w
    join users u on u.id = any (p_user_ids) and u.kind = 'person' and (u.id = w.owner_user_id
      or exists (select from workspace_members m where m.workspace_id = w.id and m.user_id = u.id and m.role in ('member', 'admin')))
    where w.id = p_workspace_id and w.deleted_at is null);
end $$;

-- Tells people, over /ws/me, and the customer's endpoints that ask for this type by its name. p_events: {data, user_ids, at, request_id,
-- traceparent} in their order, which the small steps of time keep. Of a workspace that is deleted nobody is told.
create or replace function app.tell_whatsapp(p_workspace_id uuid, p_type text, p_events jsonb) returns void
language plpgsql set search_path = app, pg_temp as $$
declare
  v_webhook_id uuid;
  v_webhook_ids constant uuid[] := array(
    select f.id from app.find_webhooks(p_workspace_id, p_type, true) f
    where exists (select from workspaces w where w.id = p_workspace_id and w.deleted_at is null));
begin
  insert into outbox (id, topic, workspace_id, user_id, payload, traceparent, request_id, available_at)
  select app.uuidv7(), 'me.deliver', p_workspace_id, u.id::uuid,
    (e.event -> 'data') || jsonb_build_object('user_id', u.id, 'type', p_type),
    e.event ->> 'traceparent', e.event ->> 'request_id', now() + e.n * interval '1 microsecond'
  from jsonb_array_elements(p_events) with ordinality e (event, n)
  cross join jsonb_array_elements_text(e.event -> 'user_ids') u (id);
  if v_webhook_ids = '{}' then
    return;
  end if;
  insert into webhook_deliveries (id, workspace_id, webhook_id, event_type, payload, next_attempt_at, created_at)
  select app.uuidv7(), p_workspace_id, w.id, p_type,
    json_build_object('type', p_type, 'timestamp', e.event ->> 'at', 'data', e.event -> 'data'),
    clock_timestamp() + e.n * interval '1 microsecond', clock_timestamp()
  from jsonb_array_elements(p_events) with ordinality e (event, n) cross join unnest(v_webhook_ids) w (id);
  foreach v_webhook_id in array v_webhook_ids loop
    perform app.wake_webhook(p_workspace_id, v_webhook_id, now(), p_events #>> '{0,request_id}');
  end loop;
end $$;

-- One event for tell_whatsapp: the data with where it happened, and what travels beside it.
create or replace function app.whatsapp_event(s app.whatsapp_sessions, p_item jsonb, p_data jsonb, p_at text, p_user_ids uuid[]) returns jsonb
language sql stable parallel safe
  return jsonb_build_object('user_ids', to_jsonb(p_user_ids), 'at', p_at, 'request_id', p_item -> 'request_id',
    'traceparent', p_item -> 'traceparent',
    'data', p_data || jsonb_build_object('workspace_id', (s).workspace_id, 'session_id', (s).id,
      'request_id', coalesce(p_item ->> 'request_id', p_data ->> 'request_id')));

-- How a session is, on its card. Only of the generation and the worker that the card names: what a placement before says is over, and what
-- was said earlier than what the card shows is too. The rest is passed over. Answers how many counted, and the QR code that there is now.
create or replace function app.take_session_statuses(p_session app.whatsapp_sessions, p_worker_id uuid, p_items jsonb) returns jsonb
language plpgsql set search_path = app, pg_temp as $$
declare
  v_session whatsapp_sessions := p_session;
  v_admins constant uuid[] := app.whatsapp_admins(p_session.workspace_id);
  v_item jsonb;
  v_data jsonb;
  v_events jsonb := '[]';
begin
  for v_item in select i.item from jsonb_array_elements(p_items) with ordinality i (item, n) order by i.n loop
    v_data := v_item -> 'data';
    continue when (v_data ->> 'generation')::bigint < v_session.generation or v_session.worker_id <> p_worker_id
      or ((v_data ->> 'generation')::bigint, (v_item ->> 'seq')::bigint) <= (v_session.status_generation, v_session.status_seq);
    update whatsapp_sessions s set status = v_data ->> 'status', status_reason = v_data ->> 'reason',
      close_code = (v_data ->> 'close_code')::int, status_at = (v_data ->> 'at')::timestamptz,
      qr_serial = (v_data #>> '{qr,serial}')::int, qr_expires_at = (v_data #>> '{qr,expires_at}')::timestamptz,
      phone = coalesce(v_data ->> 'phone', s.phone), lid = coalesce(v_data ->> 'lid', s.lid),
      profile_name = coalesce(left(v_data ->> 'profile_name', 200), s.profile_name),
      status_generation = (v_data ->> 'generation')::bigint, status_seq = (v_item ->> 'seq')::bigint
    where s.id = v_session.id returning * into v_session;
    v_events := v_events || app.whatsapp_event(v_session, v_item, (v_data - 'generation') || jsonb_build_object('name', v_session.name,
      'phone', v_session.phone, 'lid', v_session.lid, 'profile_name', v_session.profile_name), v_data ->> 'at', v_admins);
  end loop;
  perform app.tell_whatsapp(v_session.workspace_id, 'whatsapp.session', v_events);
  return jsonb_build_object('taken', jsonb_array_length(v_events), 'qr', case when v_events <> '[]' and v_session.qr_expires_at > now()
    then jsonb_build_object('session_id', v_session.id, 'user_ids', to_jsonb(v_admins)) end);
end $$;

-- What came in, of whatever placement: to the customer, to who made the session, and what a person wrote to the partner.
create or replace function app.take_inbound_messages(p_session app.whatsapp_sessions, p_items jsonb) returns void
language plpgsql set search_path = app, pg_temp as $$
declare
  v_readers constant uuid[] := app.whatsapp_readers(p_session.workspace_id, array[p_session.created_by]);
  v_item jsonb;
begin
  perform app.tell_whatsapp(p_session.workspace_id, 'whatsapp.message', (
    select jsonb_agg(app.whatsapp_event(p_session, i.item, (i.item -> 'data') - 'generation', i.item #>> '{data,message,at}', v_readers)
      order by i.n)
    from jsonb_array_elements(p_items) with ordinality i (item, n)));
  for v_item in
    select i.item from jsonb_array_elements(p_items) with ordinality i (item, n)
    where i.item #>> '{data,change}' in ('new', 'resolved') and i.item #>> '{data,message,direction}' = 'in'
      and i.item #>> '{data,message,chat,kind}' = 'person'
    order by i.n
  loop
    perform app.take_whatsapp_inbound(p_session, v_item);
  end loop;
end $$;

-- How far messages are that went out: to the customer, to who made the session and to who asked for the message.
create or replace function app.take_message_statuses(p_session app.whatsapp_sessions, p_items jsonb) returns void
language plpgsql set search_path = app, pg_temp as $$
declare
  v_readers constant uuid[] := app.whatsapp_readers(p_session.workspace_id, p_session.created_by
    || array(select distinct (i ->> 'requested_by')::uuid from (select e -> 'data' from jsonb_array_elements(p_items) e) d (i)
      where i ->> 'requested_by' is not null));
begin
  perform app.tell_whatsapp(p_session.workspace_id, 'whatsapp.message_status', (
    select jsonb_agg(app.whatsapp_event(p_session, i.item, (i.item -> 'data') - 'generation', i.item #>> '{data,at}',
      array(select r from unnest(v_readers) r where r in (p_session.created_by, (i.item #>> '{data,requested_by}')::uuid))) order by i.n)
    from jsonb_array_elements(p_items) with ordinality i (item, n)));
end $$;

-- Totals of days, which only grow.
create or replace function app.take_session_usage(p_session app.whatsapp_sessions, p_items jsonb) returns void
language plpgsql set search_path = app, pg_temp as $$
begin
  insert into whatsapp_usage as u (workspace_id, session_id, day, sent, received, media_bytes)
  select p_session.workspace_id, p_session.id, d.day, max(d.sent), max(d.received), max(d.media_bytes)
  from jsonb_array_elements(p_items) i
  cross join jsonb_to_record(i -> 'data') d (day date, sent bigint, received bigint, media_bytes bigint)
  group by d.day
  on conflict (workspace_id, session_id, day) do update set sent = greatest(u.sent, excluded.sent),
    received = greatest(u.received, excluded.received), media_bytes = greatest(u.media_bytes, excluded.media_bytes), updated_at = now();
end $$;

-- Takes what a worker says: p_items are events of one kind and one session, in order. An event that came before counts no more; of a session
-- that is gone nothing does. Answers {taken, repeated, ignored, qr}. Raises whatsapp.generation_unknown for a placement that never was: such
-- events wait where they are. Definer, because whoever calls it is no person and no tenant; the secret of the workers is what opens the door.
create or replace function app.take_whatsapp_events(p_kind text, p_worker_id uuid, p_items jsonb) returns jsonb
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_session_id constant uuid := p_items #>> '{0,data,session_id}';
  v_given constant int := jsonb_array_length(p_items);
  v_session whatsapp_sessions;
  v_items jsonb;
  v_fresh int;
  v_answer jsonb;
begin
  with fresh as (
    insert into whatsapp_event_receipts (event_id, session_id)
    select (i ->> 'event_id')::uuid, v_session_id from jsonb_array_elements(p_items) i
    on conflict do nothing returning event_id
  )
  select coalesce(jsonb_agg(i.item order by i.n), '[]') into v_items
  from jsonb_array_elements(p_items) with ordinality i (item, n) join fresh f on f.event_id = (i.item ->> 'event_id')::uuid;
  v_fresh := jsonb_array_length(v_items);
  v_answer := jsonb_build_object('taken', v_fresh, 'repeated', v_given - v_fresh, 'ignored', 0, 'qr', null);
  if v_fresh = 0 then
    return v_answer;
  end if;
  if p_kind = 'session-status' then
    select * into v_session from whatsapp_sessions s where s.id = v_session_id for no key update;
  else
    select * into v_session from whatsapp_sessions s where s.id = v_session_id;
  end if;
  if v_session.id is null then
    return v_answer || jsonb_build_object('taken', 0, 'ignored', v_fresh);
  end if;
  if exists (select from jsonb_array_elements(v_items) i where (i #>> '{data,generation}')::bigint > v_session.generation) then
    perform app.fail('PT409', 'whatsapp.generation_unknown', 'The session was never placed under this generation.');
  end if;
  case p_kind
    when 'session-status' then
      v_answer := v_answer || app.take_session_statuses(v_session, p_worker_id, v_items);
      v_answer := v_answer || jsonb_build_object('ignored', v_fresh - (v_answer ->> 'taken')::int);
    when 'message-inbound' then perform app.take_inbound_messages(v_session, v_items);
    when 'message-status' then perform app.take_message_statuses(v_session, v_items);
    when 'session-usage' then perform app.take_session_usage(v_session, v_items);
  end case;
  return v_answer;
end $$;

grant execute on function app.take_whatsapp_events to app_user;
