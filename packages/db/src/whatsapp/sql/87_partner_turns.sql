-- What linked people wrote is answered by jobs: of a chat one after the other, by one process at a time.

-- Where the answers to a person go: by what WhatsApp knows them, since the row of a chat can go into another's.
create or replace function app.whatsapp_recipient(l app.whatsapp_links) returns jsonb language sql immutable parallel safe
  return case when (l).lid is not null then jsonb_build_object('lid', (l).lid)
    when (l).phone is not null then jsonb_build_object('phone', (l).phone) else jsonb_build_object('chat_id', (l).chat_id) end;

-- In which language a person is spoken to; null: nobody has chosen one.
create or replace function app.whatsapp_locale(p_user_id uuid, p_phone text) returns text
language plpgsql stable set search_path = app, pg_temp as $$
begin
  return coalesce((select u.locale from users u where u.id = p_user_id), case when p_phone like '62%' then 'id' end);
end $$;

-- The first message of a chat that waits for an answer, for p_lease; whoever is not linked any more gets none. Null: nothing waits;
-- {busy_ms}: another process has it for so long.
create or replace function app.take_whatsapp_turn(p_session_id uuid, p_chat_id uuid, p_owner uuid, p_lease interval) returns jsonb
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_turn whatsapp_turns;
  v_link whatsapp_links;
begin
  perform pg_advisory_xact_lock(hashtextextended('whatsapp.turn:' || p_session_id || ':' || p_chat_id, 0));
  loop
    select * into v_turn from whatsapp_turns t
    where t.session_id = p_session_id and t.chat_id = p_chat_id and t.status = 'pending' order by t.created_at, t.id limit 1 for no key update;
    if not found then
      return null;
    end if;
    select l.* into v_link from whatsapp_links l where l.user_id = v_turn.user_id and l.session_id = p_session_id;
    exit when v_link.id is not null and app.whatsapp_link_stands(v_link);
    perform app.drop_whatsapp_turns(v_turn.user_id, p_session_id);
  end loop;
  if v_turn.lease_owner <> p_owner and v_turn.lease_until > clock_timestamp() then
    return jsonb_build_object('busy_ms', ceil(extract(epoch from v_turn.lease_until - clock_timestamp()) * 1000));
  end if;
  update whatsapp_turns t set lease_owner = p_owner, lease_until = clock_timestamp() + p_lease, attempts = t.attempts + 1,
    workspace_id = case when t.attempts > 0 then t.workspace_id
      else (select d.workspace_id from app.decide_whatsapp_access(t.user_id, p_session_id) d where d.role is not null) end
  where t.id = v_turn.id returning * into v_turn;
  return jsonb_build_object('id', v_turn.id, 'user_id', v_turn.user_id, 'session_id', p_session_id, 'chat_id', p_chat_id,
    'message_id', v_turn.message_id, 'content', v_turn.content, 'workspace_id', v_turn.workspace_id, 'attempts', v_turn.attempts,
    'request_id', v_turn.request_id, 'traceparent', v_turn.traceparent, 'created_at', app.iso(v_turn.created_at),
    'to', app.whatsapp_recipient(v_link), 'locale', app.whatsapp_locale(v_turn.user_id, v_link.phone),
    'time_zone', (select u.time_zone from users u where u.id = v_turn.user_id));
end $$;

-- False: it is somebody else's by now, or over.
create or replace function app.renew_whatsapp_turn(p_turn_id uuid, p_owner uuid, p_lease interval) returns boolean
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  update whatsapp_turns t set lease_until = clock_timestamp() + p_lease
  where t.id = p_turn_id and t.lease_owner = p_owner and t.status = 'pending';
  return found;
end $$;

-- Whoever comes next may take it; the sweeper leaves it alone for p_quiet.
create or replace function app.release_whatsapp_turn(p_turn_id uuid, p_owner uuid, p_quiet interval) returns void
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  update whatsapp_turns t set lease_owner = null, lease_until = clock_timestamp() + p_quiet
  where t.id = p_turn_id and t.lease_owner = p_owner and t.status = 'pending';
end $$;

-- Messages of the house's own, in their order, to whoever hands them to the worker. p_sends: {id, message_id, request (sealed),
-- request_hash}. What is asked for again is there once.
create or replace function app.queue_whatsapp_answers(p_session_id uuid, p_requested_by uuid, p_sends jsonb, p_request_id text, p_traceparent text)
returns void
language plpgsql set search_path = app, pg_temp as $$
declare
  v_workspace_id constant uuid := (select s.workspace_id from whatsapp_sessions s where s.id = p_session_id);
begin
  if v_workspace_id is null or p_sends = '[]' then
    return;
  end if;
  insert into whatsapp_sends (id, workspace_id, session_id, message_id, request, request_hash, requested_by, request_id, traceparent)
  select (e.send ->> 'id')::uuid, v_workspace_id, p_session_id, e.send ->> 'message_id', e.send ->> 'request', e.send ->> 'request_hash',
    p_requested_by, p_request_id, p_traceparent
  from jsonb_array_elements(p_sends) with ordinality e (send, n) order by e.n
  on conflict (workspace_id, session_id, message_id) do nothing;
  insert into outbox (id, topic, workspace_id, payload, request_id, traceparent)
  values (app.uuidv7(), 'whatsapp.send', v_workspace_id, jsonb_build_object('session_id', p_session_id), p_request_id, p_traceparent);
end $$;

-- The end of a message that was to be answered, with its answer. False: somebody else has it by now, and whatever they say counts; or its
-- person is not linked any more, and nothing is said.
create or replace function app.settle_whatsapp_turn(p_turn_id uuid, p_owner uuid, p_end jsonb, p_sends jsonb, p_request_id text,
  p_traceparent text) returns boolean
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_turn whatsapp_turns;
begin
  update whatsapp_turns t set status = p_end ->> 'status', error_code = left(p_end ->> 'error_code', 100), run_id = (p_end ->> 'run_id')::uuid,
    content = null, lease_owner = null, lease_until = null, done_at = now()
  where t.id = p_turn_id and t.lease_owner = p_owner and t.status = 'pending' returning * into v_turn;
  if not found then
    return false;
  end if;
  if not exists (select from whatsapp_links l
      where l.user_id = v_turn.user_id and l.session_id = v_turn.session_id and app.whatsapp_link_stands(l)) then
    update whatsapp_turns t set status = 'failed', error_code = 'whatsapp.link_not_found' where t.id = p_turn_id;
    return false;
  end if;
  perform app.queue_whatsapp_answers(v_turn.session_id, v_turn.user_id, p_sends, p_request_id, p_traceparent);
  return true;
end $$;

-- To whom a line of the house's goes, in which language, and by which address they know the account; what somebody unlinked is told. Null: it is not to be said any more.
create or replace function app.get_whatsapp_line(p_session_id uuid, p_chat_id uuid, p_user_id uuid) returns jsonb
language plpgsql stable security definer set search_path = app, pg_temp as $$
begin
  if p_user_id is null then
    return (select jsonb_build_object('to', jsonb_build_object('chat_id', p_chat_id), 'locale', null, 'email', null,
        'unlinked_reply', s.unlinked_reply, 'requested_by', s.created_by)
      from whatsapp_sessions s where s.id = p_session_id and s.desired_state <> 'deleted' and s.unlinked_reply is not null);
  end if;
  return (select jsonb_build_object('to', app.whatsapp_recipient(l), 'locale', app.whatsapp_locale(p_user_id, l.phone),
      'email', (select u.email from users u where u.id = p_user_id), 'unlinked_reply', null, 'requested_by', l.user_id)
    from whatsapp_links l where l.user_id = p_user_id and l.session_id = p_session_id and app.whatsapp_link_stands(l));
end $$;

-- The same as queue_whatsapp_answers, for a line.
create or replace function app.say_whatsapp_line(p_session_id uuid, p_requested_by uuid, p_sends jsonb, p_request_id text, p_traceparent text)
returns void
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  perform app.queue_whatsapp_answers(p_session_id, p_requested_by, p_sends, p_request_id, p_traceparent);
end $$;

-- Has the jobs look at chats in which somebody waits and nobody is at work, each once a minute; forgets what has served its purpose.
-- Turns are kept for as long as a worker can repeat what it tells. Answers how many chats.
create or replace function app.sweep_whatsapp_turns(p_after interval, p_limit int) returns int
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_count int;
begin
  with stuck as (
    update whatsapp_turns t set lease_owner = null, lease_until = clock_timestamp() + interval '1 minute'
    where t.id in (
      select o.id from whatsapp_turns o
      where o.status = 'pending' and o.created_at < now() - p_after and (o.lease_until is null or o.lease_until < clock_timestamp())
      limit p_limit for update skip locked)
    returning t.session_id, t.chat_id
  )
  insert into outbox (id, topic, workspace_id, payload)
  select app.uuidv7(), 'whatsapp.turn', s.workspace_id, jsonb_build_object('session_id', c.session_id, 'chat_id', c.chat_id)
  from (select distinct u.session_id, u.chat_id from stuck u) c join whatsapp_sessions s on s.id = c.session_id;
  get diagnostics v_count = row_count;
  delete from whatsapp_turns t where t.id in (
    select o.id from whatsapp_turns o where o.done_at < now() - interval '30 days' limit p_limit for update skip locked);
  delete from whatsapp_link_codes c where c.expires_at < now() - interval '1 day';
  delete from whatsapp_link_misses m where m.began_at < now() - interval '1 day';
  return v_count;
end $$;

grant execute on function app.take_whatsapp_turn, app.renew_whatsapp_turn, app.release_whatsapp_turn, app.settle_whatsapp_turn,
  app.get_whatsapp_line, app.say_whatsapp_line, app.sweep_whatsapp_turns to job_user;
