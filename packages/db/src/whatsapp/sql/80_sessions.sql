-- Cards of WhatsApp sessions, for members of their workspace. What is asked of one is written down, and the jobs carry it out.

create or replace function app.whatsapp_session_json(s app.whatsapp_sessions) returns jsonb language sql stable parallel safe
  return jsonb_build_object('id', (s).id, 'workspace_id', (s).workspace_id, 'name', (s).name, 'desired_state', (s).desired_state,
    'status', (s).status, 'status_reason', (s).status_reason, 'close_code', (s).close_code, 'status_at', app.iso((s).status_at),
    'qr', case when (s).qr_expires_at > now() then jsonb_build_object('serial', (s).qr_serial, 'expires_at', app.iso((s).qr_expires_at)) end,
    'phone', (s).phone, 'lid', (s).lid, 'profile_name', (s).profile_name, 'worker_id', (s).worker_id, 'generation', (s).generation,
    'placed_at', app.iso((s).placed_at), 'settings', (s).settings, 'unlinked_reply', (s).unlinked_reply, 'version', (s).version,
    'created_by', (s).created_by, 'created_at', app.iso((s).created_at), 'updated_at', app.iso((s).updated_at));

-- What audit rows tell of a card.
create or replace function app.whatsapp_session_summary(s app.whatsapp_sessions) returns jsonb language sql stable parallel safe
  return jsonb_build_object('name', (s).name, 'desired_state', (s).desired_state, 'settings', (s).settings,
    'has_unlinked_reply', (s).unlinked_reply is not null);

-- Ended by WhatsApp or for want of a scan: nobody tries again before somebody asks for it. What has been asked for since counts more than
-- what a worker said late.
create or replace function app.whatsapp_session_is_ended(s app.whatsapp_sessions) returns boolean language sql immutable parallel safe
  return (s).settled_intent >= (s).asked_intent
    and ((s).status in ('logged_out', 'banned', 'replaced', 'failed') or ((s).status = 'disconnected' and (s).phone is null));

-- The role of somebody in the workspace of a session; null for guests and whoever else knows nothing of it. Not for app_user.
create or replace function app.decide_whatsapp_access(p_user_id uuid, p_session_id uuid)
returns table (workspace_id uuid, role text) language sql stable
begin atomic
  select s.workspace_id, case when w.owner_user_id = p_user_id then 'owner' when m.role <> 'guest' then m.role end
  from app.whatsapp_sessions s
  join app.workspaces w on w.id = s.workspace_id and w.deleted_at is null
  left join app.workspace_members m on m.workspace_id = w.id and m.user_id = p_user_id
  where s.id = p_session_id and s.desired_state <> 'deleted';
end;

-- The tenant's context for who may do something with a session: members read and send, admins manage. Answers its workspace.
create or replace function app.set_whatsapp_context(p_user_id uuid, p_session_id uuid, p_needed_role text default 'member') returns uuid
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_workspace_id uuid;
  v_role text;
begin
  select d.workspace_id, d.role into v_workspace_id, v_role from app.decide_whatsapp_access(p_user_id, p_session_id) d;
  if v_role is null then
    perform app.fail('PT404', 'whatsapp.session_not_found', 'There is no such session.');
  end if;
  if p_needed_role <> 'member' and v_role = 'member' then
    perform app.fail('PT403', 'workspace.forbidden', 'Your role in this workspace does not allow this.',
      jsonb_build_object('needed_role', p_needed_role, 'role', v_role));
  end if;
  perform set_config('app.user_id', p_user_id::text, true), set_config('app.workspace_id', v_workspace_id::text, true),
    set_config('app.canvas_id', '', true), set_config('app.calendar_id', '', true), set_config('app.role', v_role, true);
  return v_workspace_id;
end $$;

-- Whose limits count.
create or replace function app.get_whatsapp_tenant(p_user_id uuid, p_session_id uuid) returns uuid
language plpgsql stable security definer set search_path = app, pg_temp as $$
begin
  return (select d.workspace_id from app.decide_whatsapp_access(p_user_id, p_session_id) d where d.role is not null);
end $$;

-- The card for a change, held until the transaction ends. Access is decided again once it is held.
create or replace function app.hold_whatsapp_session(p_user_id uuid, p_session_id uuid) returns app.whatsapp_sessions
language plpgsql set search_path = app, pg_temp set lock_timeout = '400ms' as $$
declare
  v_workspace_id constant uuid := app.set_whatsapp_context(p_user_id, p_session_id, 'admin');
  v_session whatsapp_sessions;
begin
  select * into v_session from whatsapp_sessions s
  where s.workspace_id = v_workspace_id and s.id = p_session_id for no key update;
  perform app.set_whatsapp_context(p_user_id, p_session_id, 'admin');
  return v_session;
end $$;

-- Has the jobs see to a session.
create or replace function app.wake_whatsapp_session(p_workspace_id uuid, p_topic text, p_payload jsonb, p_request_id text, p_traceparent text)
returns void language plpgsql set search_path = app, pg_temp as $$
begin
  insert into outbox (id, topic, workspace_id, payload, request_id, traceparent)
  values (app.uuidv7(), p_topic, p_workspace_id, p_payload, p_request_id, p_traceparent);
end $$;

-- p_workspace_id null: the personal space. No worker knows of it yet.
create or replace function app.create_whatsapp_session(p_user_id uuid, p_session_id uuid, p_workspace_id uuid, p_fields jsonb, p_limit int,
  p_request_id text) returns jsonb
language plpgsql set search_path = app, pg_temp as $$
declare
  v_workspace_id constant uuid := coalesce(p_workspace_id, app.personal_workspace(p_user_id));
  v_session whatsapp_sessions;
begin
  if v_workspace_id is null then
    perform app.fail('PT400', 'request.invalid', 'Required: an API key has no personal space.', '{"pointer": "/workspace_id"}');
  end if;
  perform app.set_tenant_context(p_user_id, v_workspace_id, 'admin');
  -- So that two at once cannot both be the last.
  perform from workspaces w where w.id = v_workspace_id for no key update;
  if (select count(*) from whatsapp_sessions s where s.workspace_id = v_workspace_id and s.desired_state <> 'deleted') >= p_limit then
    perform app.fail('PT409', 'whatsapp.too_many_sessions', format('A workspace has at most %s sessions.', p_limit));
  end if;
  insert into whatsapp_sessions (id, workspace_id, name, created_by, settings, unlinked_reply)
  values (p_session_id, v_workspace_id, p_fields ->> 'name', p_user_id, coalesce(p_fields -> 'settings', '{}'), p_fields ->> 'unlinked_reply')
  returning * into v_session;
  perform app.append_audit(p_user_id, v_workspace_id, null, 'whatsapp_session.create', 'whatsapp_session', p_session_id::text,
    null, app.whatsapp_session_summary(v_session), p_request_id);
  return app.whatsapp_session_json(v_session);
end $$;

create or replace function app.get_whatsapp_session(p_user_id uuid, p_session_id uuid) returns jsonb
language plpgsql set search_path = app, pg_temp as $$
declare
  v_workspace_id constant uuid := app.set_whatsapp_context(p_user_id, p_session_id);
begin
  return (select app.whatsapp_session_json(s) from whatsapp_sessions s where s.workspace_id = v_workspace_id and s.id = p_session_id);
end $$;

-- Of all workspaces or one, the newest first; guests see none. The cursor is the last row read. Definer, to read over workspaces.
create or replace function app.list_whatsapp_sessions(p_user_id uuid, p_workspace_id uuid, p_cursor_created_at timestamptz, p_cursor_id uuid,
  p_limit int) returns table (session jsonb, created_at timestamptz, id uuid)
language plpgsql stable security definer set search_path = app, pg_temp as $$
declare
  v_created_at constant timestamptz := coalesce(p_cursor_created_at, 'infinity');
  v_id constant uuid := coalesce(p_cursor_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff');
begin
  return query
    select app.whatsapp_session_json(s), s.created_at, s.id
    from whatsapp_sessions s
    join workspaces w on w.id = s.workspace_id and w.deleted_at is null
    where s.workspace_id = any (array(
        select o.id from workspaces o where o.owner_user_id = p_user_id and (p_workspace_id is null or o.id = p_workspace_id)
        union
        select m.workspace_id from workspace_members m
        where m.user_id = p_user_id and m.role <> 'guest' and (p_workspace_id is null or m.workspace_id = p_workspace_id)))
      and s.desired_state <> 'deleted' and (s.created_at, s.id) < (v_created_at, v_id)
    order by s.created_at desc, s.id desc limit least(greatest(p_limit, 1), 1001);
end $$;

-- p_patch: any of name, settings (the whole), unlinked_reply; what stays as it was is no change. p_expected_version null: whatever it is
-- now. Other settings are told to the worker.
create or replace function app.update_whatsapp_session(p_user_id uuid, p_session_id uuid, p_expected_version int, p_patch jsonb,
  p_request_id text, p_traceparent text) returns jsonb
language plpgsql set search_path = app, pg_temp as $$
declare
  v_before constant whatsapp_sessions := app.hold_whatsapp_session(p_user_id, p_session_id);
  v_wanted whatsapp_sessions := jsonb_populate_record(v_before, p_patch);
  v_after whatsapp_sessions;
  v_told constant boolean := v_wanted.settings <> v_before.settings and v_before.worker_id is not null;
begin
  if p_expected_version <> v_before.version then
    perform app.fail('PT412', 'whatsapp.version_conflict', 'The session was changed meanwhile.',
      jsonb_build_object('current', app.whatsapp_session_json(v_before)));
  end if;
  if (v_wanted.name, v_wanted.settings, v_wanted.unlinked_reply) is not distinct from (v_before.name, v_before.settings, v_before.unlinked_reply) then
    return app.whatsapp_session_json(v_before);
  end if;
  update whatsapp_sessions s set name = v_wanted.name, settings = v_wanted.settings, unlinked_reply = v_wanted.unlinked_reply,
    version = s.version + 1, updated_at = clock_timestamp(),
    intent = s.intent + v_told::int, retry_at = case when v_told then app.whatsapp_retry_at() else s.retry_at end
  where s.workspace_id = v_before.workspace_id and s.id = p_session_id returning * into v_after;
  perform app.append_audit(p_user_id, v_after.workspace_id, null, 'whatsapp_session.update', 'whatsapp_session', p_session_id::text,
    app.whatsapp_session_summary(v_before), app.whatsapp_session_summary(v_after), p_request_id);
  if v_told then
    perform app.wake_whatsapp_session(v_after.workspace_id, 'whatsapp.place', jsonb_build_object('session_id', p_session_id),
      p_request_id, p_traceparent);
  end if;
  return app.whatsapp_session_json(v_after);
end $$;

-- When the jobs look again at what they were just told of, should the word be lost on its way.
create or replace function app.whatsapp_retry_at() returns timestamptz language sql stable parallel safe
  return now() + interval '30 seconds';

-- p_action: connect (p_login: how it is linked, should it not be), disconnect, logout. Asked again it is carried out again, which
-- changes nothing.
create or replace function app.ask_whatsapp_session(p_user_id uuid, p_session_id uuid, p_action text, p_login jsonb, p_request_id text,
  p_traceparent text) returns jsonb
language plpgsql set search_path = app, pg_temp as $$
declare
  v_before constant whatsapp_sessions := app.hold_whatsapp_session(p_user_id, p_session_id);
  v_after whatsapp_sessions;
  v_desired constant text := case p_action when 'connect' then 'connected' when 'disconnect' then 'disconnected' else 'logged_out' end;
  v_begins constant boolean := p_action = 'connect' and (v_before.status = 'created' or v_before.worker_id is null or app.whatsapp_session_is_ended(v_before));
begin
  update whatsapp_sessions s set desired_state = v_desired, login = p_login, intent = s.intent + 1, asked_intent = s.intent + 1, retry_at = app.whatsapp_retry_at(),
    end_intent = case when v_desired = 'connected' then s.end_intent else s.intent + 1 end,
    status = case when v_begins then 'connecting' else s.status end,
    status_reason = case when v_begins then null else s.status_reason end,
    close_code = case when v_begins then null else s.close_code end,
    status_at = case when v_begins then clock_timestamp() else s.status_at end
  where s.workspace_id = v_before.workspace_id and s.id = p_session_id returning * into v_after;
  perform app.append_audit(p_user_id, v_after.workspace_id, null, 'whatsapp_session.' || p_action, 'whatsapp_session', p_session_id::text,
    jsonb_build_object('desired_state', v_before.desired_state), jsonb_build_object('desired_state', v_after.desired_state), p_request_id);
  perform app.wake_whatsapp_session(v_after.workspace_id, 'whatsapp.place', jsonb_build_object('session_id', p_session_id),
    p_request_id, p_traceparent);
  return app.whatsapp_session_json(v_after);
end $$;

-- Nobody sees it any more. What a worker has of it goes first, then the card.
create or replace function app.delete_whatsapp_session(p_user_id uuid, p_session_id uuid, p_request_id text, p_traceparent text) returns void
language plpgsql set search_path = app, pg_temp as $$
declare
  v_before constant whatsapp_sessions := app.hold_whatsapp_session(p_user_id, p_session_id);
begin
  if v_before.generation = 0 then
    delete from whatsapp_sessions s where s.workspace_id = v_before.workspace_id and s.id = p_session_id;
  else
    update whatsapp_sessions s set desired_state = 'deleted', login = null, intent = s.intent + 1, asked_intent = s.intent + 1, retry_at = app.whatsapp_retry_at()
    where s.workspace_id = v_before.workspace_id and s.id = p_session_id;
    perform app.wake_whatsapp_session(v_before.workspace_id, 'whatsapp.place', jsonb_build_object('session_id', p_session_id),
      p_request_id, p_traceparent);
  end if;
  perform app.append_audit(p_user_id, v_before.workspace_id, null, 'whatsapp_session.delete', 'whatsapp_session', p_session_id::text,
    app.whatsapp_session_summary(v_before), null, p_request_id);
end $$;

-- To another worker: p_worker_id, or whichever has most room. Nothing happens when it was moved meanwhile.
create or replace function app.migrate_whatsapp_session(p_user_id uuid, p_session_id uuid, p_worker_id uuid, p_request_id text,
  p_traceparent text) returns jsonb
language plpgsql set search_path = app, pg_temp as $$
declare
  v_session constant whatsapp_sessions := app.hold_whatsapp_session(p_user_id, p_session_id);
begin
  if v_session.worker_id is null or v_session.desired_state <> 'connected' then
    perform app.fail('PT409', 'whatsapp.not_placed', 'No worker holds this session: connect it first.');
  end if;
  if p_worker_id is not null and not exists (select from whatsapp_workers w where w.id = p_worker_id and app.whatsapp_worker_is_alive(w)) then
    perform app.fail('PT409', 'worker.not_alive', 'There is no such worker that is alive.', '{"pointer": "/worker_id"}');
  end if;
  perform app.append_audit(p_user_id, v_session.workspace_id, null, 'whatsapp_session.migrate', 'whatsapp_session', p_session_id::text,
    jsonb_build_object('worker_id', v_session.worker_id), jsonb_build_object('worker_id', p_worker_id), p_request_id);
  if p_worker_id is distinct from v_session.worker_id then
    perform app.wake_whatsapp_session(v_session.workspace_id, 'whatsapp.command', jsonb_build_object('session_id', p_session_id,
      'command', 'migrate', 'generation', v_session.generation, 'worker_id', p_worker_id), p_request_id, p_traceparent);
  end if;
  return app.whatsapp_session_json(v_session);
end $$;

-- From the newest backup; only what is not linked.
create or replace function app.restore_whatsapp_session(p_user_id uuid, p_session_id uuid, p_request_id text, p_traceparent text) returns jsonb
language plpgsql set search_path = app, pg_temp as $$
declare
  v_before constant whatsapp_sessions := app.hold_whatsapp_session(p_user_id, p_session_id);
  v_after whatsapp_sessions;
begin
  if v_before.status in ('connected', 'pairing') then
    perform app.fail('PT409', 'whatsapp.connected', 'This session is linked or being linked: log it out first.');
  end if;
  update whatsapp_sessions s set desired_state = 'connected', login = null, intent = s.intent + 1, asked_intent = s.intent + 1, retry_at = app.whatsapp_retry_at(),
    status = 'connecting', status_reason = null, close_code = null, status_at = clock_timestamp()
  where s.workspace_id = v_before.workspace_id and s.id = p_session_id returning * into v_after;
  perform app.append_audit(p_user_id, v_after.workspace_id, null, 'whatsapp_session.restore', 'whatsapp_session', p_session_id::text,
    jsonb_build_object('status', v_before.status), jsonb_build_object('desired_state', v_after.desired_state), p_request_id);
  perform app.wake_whatsapp_session(v_after.workspace_id, 'whatsapp.command',
    jsonb_build_object('session_id', p_session_id, 'command', 'restore', 'intent', v_after.intent), p_request_id, p_traceparent);
  return app.whatsapp_session_json(v_after);
end $$;

-- Totals by session and day, the newest day first, for members. Sessions that are deleted are in it.
create or replace function app.list_whatsapp_usage(p_user_id uuid, p_workspace_id uuid, p_from date, p_to date) returns jsonb
language plpgsql set search_path = app, pg_temp as $$
begin
  perform app.set_tenant_context(p_user_id, p_workspace_id, 'member');
  return (
    select coalesce(jsonb_agg(jsonb_build_object('session_id', u.session_id, 'day', u.day, 'sent', u.sent, 'received', u.received,
      'media_bytes', u.media_bytes, 'updated_at', app.iso(u.updated_at)) order by u.day desc, u.session_id), '[]')
    from whatsapp_usage u where u.workspace_id = p_workspace_id and u.day between p_from and p_to);
end $$;

grant select, insert, update, delete on app.whatsapp_sessions to app_user;
grant select on app.whatsapp_workers, app.whatsapp_usage to app_user;
grant execute on function app.whatsapp_session_json, app.whatsapp_session_summary, app.whatsapp_session_is_ended, app.set_whatsapp_context,
  app.get_whatsapp_tenant, app.hold_whatsapp_session, app.wake_whatsapp_session, app.create_whatsapp_session, app.get_whatsapp_session,
  app.list_whatsapp_sessions, app.update_whatsapp_session, app.whatsapp_retry_at, app.ask_whatsapp_session, app.delete_whatsapp_session,
  app.migrate_whatsapp_session, app.restore_whatsapp_session, app.list_whatsapp_usage to app_user;
