-- The doors of a session: messages and whatever else its worker is asked for, by members of its workspace.

-- The card for who may do something with it, and their role.
create or replace function app.open_whatsapp_session(p_user_id uuid, p_session_id uuid, p_needed_role text) returns jsonb
language plpgsql set search_path = app, pg_temp as $$
declare
  v_workspace_id constant uuid := app.set_whatsapp_context(p_user_id, p_session_id, p_needed_role);
begin
  return (select jsonb_build_object('session', app.whatsapp_session_json(s), 'role', current_setting('app.role'))
    from whatsapp_sessions s where s.workspace_id = v_workspace_id and s.id = p_session_id);
end $$;

-- The same for a message that is to be sent. is_waiting: others of this session wait here, and it comes after them; known: it is one of those.
create or replace function app.open_whatsapp_send(p_user_id uuid, p_session_id uuid, p_message_id text) returns jsonb
language plpgsql set search_path = app, pg_temp as $$
declare
  v_workspace_id constant uuid := app.set_whatsapp_context(p_user_id, p_session_id, 'member');
begin
  return (select jsonb_build_object('session', app.whatsapp_session_json(s), 'role', current_setting('app.role'),
      'is_waiting', exists (select from whatsapp_sends w where w.session_id = p_session_id and w.status = 'waiting'),
      'known', (select jsonb_build_object('request_hash', w.request_hash, 'status', w.status, 'error_code', w.error_code)
        from whatsapp_sends w where w.workspace_id = v_workspace_id and w.session_id = p_session_id and w.message_id = p_message_id))
    from whatsapp_sessions s where s.workspace_id = v_workspace_id and s.id = p_session_id);
end $$;

-- Keeps a message until a worker takes it. Asked for again it is kept once: {is_new, status, error_code}.
create or replace function app.queue_whatsapp_send(p_user_id uuid, p_session_id uuid, p_send_id uuid, p_message_id text, p_request text,
  p_request_hash text, p_limit int, p_request_id text, p_traceparent text) returns jsonb
language plpgsql set search_path = app, pg_temp as $$
declare
  v_workspace_id constant uuid := app.set_whatsapp_context(p_user_id, p_session_id, 'member');
  v_known whatsapp_sends;
begin
  if (select count(*) from whatsapp_sends w where w.session_id = p_session_id and w.status = 'waiting') >= p_limit then
    perform app.fail('PT409', 'whatsapp.queue_full', format('At most %s messages wait for a worker.', p_limit));
  end if;
  insert into whatsapp_sends (id, workspace_id, session_id, message_id, request, request_hash, requested_by, request_id, traceparent)
  values (p_send_id, v_workspace_id, p_session_id, p_message_id, p_request, p_request_hash, p_user_id, p_request_id, p_traceparent)
  on conflict (workspace_id, session_id, message_id) do nothing;
  if not found then
    select * into v_known from whatsapp_sends w
    where w.workspace_id = v_workspace_id and w.session_id = p_session_id and w.message_id = p_message_id;
    if v_known.request_hash is distinct from p_request_hash then
      perform app.fail('PT409', 'whatsapp.key_reused', 'This Idempotency-Key was used for another message.');
    end if;
    return jsonb_build_object('is_new', false, 'status', v_known.status, 'error_code', v_known.error_code);
  end if;
  perform app.append_audit(p_user_id, v_workspace_id, null, 'whatsapp_message.send', 'whatsapp_session', p_session_id::text,
    null, jsonb_build_object('message_id', p_message_id), p_request_id);
  perform app.wake_whatsapp_session(v_workspace_id, 'whatsapp.send', jsonb_build_object('session_id', p_session_id), p_request_id, p_traceparent);
  return jsonb_build_object('is_new', true, 'status', 'waiting', 'error_code', null);
end $$;

-- What became of a message that waits, or waited, here; null: it does not.
create or replace function app.get_whatsapp_send(p_user_id uuid, p_session_id uuid, p_message_id text) returns jsonb
language plpgsql set search_path = app, pg_temp as $$
declare
  v_workspace_id constant uuid := app.set_whatsapp_context(p_user_id, p_session_id, 'member');
begin
  return (select jsonb_build_object('status', w.status, 'error_code', w.error_code) from whatsapp_sends w
    where w.workspace_id = v_workspace_id and w.session_id = p_session_id and w.message_id = p_message_id);
end $$;

-- What a worker did for somebody: ids, nothing that was said.
create or replace function app.audit_whatsapp(p_user_id uuid, p_session_id uuid, p_action text, p_after jsonb, p_request_id text) returns void
language plpgsql set search_path = app, pg_temp as $$
declare
  v_workspace_id constant uuid := app.set_whatsapp_context(p_user_id, p_session_id, 'member');
begin
  perform app.append_audit(p_user_id, v_workspace_id, null, p_action, 'whatsapp_session', p_session_id::text, null, p_after, p_request_id);
end $$;

-- Jobs hand over what waits. The oldest of a session, of which one goes after the other.
create or replace function app.take_whatsapp_sends(p_session_id uuid, p_limit int) returns jsonb
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  return (select coalesce(jsonb_agg(jsonb_build_object('id', w.id, 'message_id', w.message_id, 'request', w.request,
      'requested_by', w.requested_by, 'request_id', w.request_id, 'traceparent', w.traceparent) order by w.seq), '[]')
    from (select * from whatsapp_sends s where s.session_id = p_session_id and s.status = 'waiting' order by s.seq limit p_limit) w);
end $$;

-- p_error_code null: a worker has it. Else nobody will ever take it, and what was to be said is forgotten.
create or replace function app.settle_whatsapp_send(p_send_id uuid, p_error_code text) returns void
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  if p_error_code is null then
    delete from whatsapp_sends w where w.id = p_send_id;
  else
    update whatsapp_sends w set status = 'failed', error_code = left(p_error_code, 100), request = null where w.id = p_send_id;
  end if;
end $$;

-- Sessions for which something waits and which somebody holds. What has waited for too long fails; what failed long ago is forgotten.
create or replace function app.sweep_whatsapp_sends(p_wait interval, p_keep interval, p_limit int) returns uuid[]
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  update whatsapp_sends w set status = 'failed', error_code = 'whatsapp.expired', request = null
  where w.status = 'waiting' and w.created_at < now() - p_wait;
  delete from whatsapp_sends w where w.status = 'failed' and w.created_at < now() - p_keep;
  return array(
    select w.session_id from whatsapp_sends w
    join whatsapp_sessions s on s.id = w.session_id and s.worker_id is not null and s.desired_state = 'connected'
    where w.status = 'waiting' group by w.session_id order by min(w.seq) limit p_limit);
end $$;

grant select, insert on app.whatsapp_sends to app_user;
grant execute on function app.open_whatsapp_session, app.open_whatsapp_send, app.queue_whatsapp_send, app.get_whatsapp_send,
  app.audit_whatsapp to app_user;
grant execute on function app.take_whatsapp_sends, app.settle_whatsapp_send, app.sweep_whatsapp_sends to job_user;
