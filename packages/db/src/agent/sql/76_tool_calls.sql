-- A call that waits too long is over, whether or not somebody has written it down.
create or replace function app.tool_call_status(c app.tool_calls) returns text language sql stable parallel safe
  return case when (c).status = 'needs_confirmation' and (c).expires_at <= now() then 'expired' else (c).status end;

create or replace function app.tool_call_json(c app.tool_calls) returns jsonb language sql stable parallel safe
  return jsonb_build_object('tool_call_id', (c).id, 'run_id', (c).run_id, 'context_id', (c).context_id, 'name', (c).name,
    'arguments', (c).arguments, 'summary', (c).summary, 'status', app.tool_call_status(c), 'result', (c).result,
    'confirm_reason', (c).confirm_reason, 'expires_at', app.iso((c).expires_at),
    'can_undo', (c).status = 'done' and (c).undo is not null and (c).undone_at is null, 'undone_at', app.iso((c).undone_at),
    'error_code', (c).error_code, 'created_at', app.iso((c).created_at), 'finished_at', app.iso((c).finished_at));

-- What only the code reads stands beside what the person reads.
create or replace function app.tool_call_record(c app.tool_calls) returns jsonb language sql stable parallel safe
  return jsonb_build_object('call', app.tool_call_json(c), 'time_zone', (c).time_zone, 'undo', (c).undo);

-- In the person's audit log: that something was decided, never what it was about.
create or replace function app.audit_tool_call(p_user_id uuid, p_call app.tool_calls, p_action text, p_before jsonb, p_after jsonb, p_request_id text)
returns void language plpgsql set search_path = app, pg_temp as $$
begin
  perform app.append_person_audit(p_user_id, 'tool_call.' || p_action, 'tool_call', p_call.id::text, p_before,
    p_after || jsonb_build_object('name', p_call.name), p_request_id);
end $$;

create or replace function app.get_tool_call(p_user_id uuid, p_id uuid) returns jsonb
language plpgsql stable set search_path = app, pg_temp as $$
begin
  perform app.set_user_context(p_user_id);
  return (select app.tool_call_record(c) from tool_calls c where c.user_id = p_user_id and c.id = p_id);
end $$;

-- Writes a call down before anything is done for it. p_call: its columns; waits_ms of one that waits for the person's word. One that is
-- known is answered as it stands. Of one run at most one call waits: a yes must mean one thing.
create or replace function app.begin_tool_call(p_user_id uuid, p_call jsonb) returns jsonb
language plpgsql set search_path = app, pg_temp as $$
declare
  v_id constant uuid := (p_call ->> 'id')::uuid;
  v_run_id constant uuid := (p_call ->> 'run_id')::uuid;
  v_waits constant boolean := p_call ->> 'status' = 'needs_confirmation';
  v_call tool_calls;
  v_is_new boolean := true;
  v_is_crowded boolean := false;
begin
  perform app.set_user_context(p_user_id);
  if v_waits then
    perform from agent_runs r where r.user_id = p_user_id and r.id = v_run_id for no key update;
    v_is_crowded := exists (select from tool_calls c where c.user_id = p_user_id and c.run_id = v_run_id and c.id <> v_id
      and c.status = 'needs_confirmation' and c.expires_at > now());
  end if;
  insert into tool_calls as c (id, user_id, run_id, step_id, context_id, name, arguments, time_zone, summary, status, result, error_code,
    confirm_reason, expires_at, latency_ms, created_at, finished_at)
  values (v_id, p_user_id, v_run_id, (p_call ->> 'step_id')::uuid, (p_call ->> 'context_id')::uuid, p_call ->> 'name',
    p_call -> 'arguments', p_call ->> 'time_zone', p_call ->> 'summary',
    case when v_is_crowded then 'failed' else p_call ->> 'status' end, nullif(p_call -> 'result', 'null'),
    case when v_is_crowded then 'tool.another_waits' else p_call ->> 'error_code' end, p_call ->> 'confirm_reason',
    case when v_waits and not v_is_crowded then clock_timestamp() + (p_call ->> 'waits_ms')::int * interval '1 millisecond' end,
    (p_call ->> 'latency_ms')::int, clock_timestamp(),
    case when v_is_crowded or p_call ->> 'status' = 'failed' then clock_timestamp() end)
  on conflict (id) do nothing returning c.* into v_call;
  if not found then
    v_is_new := false;
    select c.* into v_call from tool_calls c where c.user_id = p_user_id and c.id = v_id;
  end if;
  return app.tool_call_record(v_call) || jsonb_build_object('is_new', v_is_new);
end $$;

-- How a call that runs ended; one that has ended otherwise meanwhile stays as it is. A call may end as one that waits again: what it
-- would do is no longer what the person was asked.
create or replace function app.finish_tool_call(p_user_id uuid, p_id uuid, p_end jsonb) returns jsonb
language plpgsql set search_path = app, pg_temp as $$
declare
  v_waits constant boolean := p_end ->> 'status' = 'needs_confirmation';
  v_call tool_calls;
begin
  perform app.set_user_context(p_user_id);
  update tool_calls c set status = p_end ->> 'status', result = nullif(p_end -> 'result', 'null'), undo = nullif(p_end -> 'undo', 'null'),
    summary = coalesce(p_end ->> 'summary', c.summary), error_code = p_end ->> 'error_code', latency_ms = (p_end ->> 'latency_ms')::int,
    confirm_reason = coalesce(p_end ->> 'confirm_reason', c.confirm_reason),
    confirmed_at = case when not v_waits then c.confirmed_at end,
    expires_at = case when v_waits then clock_timestamp() + (p_end ->> 'waits_ms')::int * interval '1 millisecond' else c.expires_at end,
    finished_at = case when not v_waits then clock_timestamp() end
  where c.user_id = p_user_id and c.id = p_id and c.status in ('running', 'failed');
  select c.* into v_call from tool_calls c where c.user_id = p_user_id and c.id = p_id;
  return app.tool_call_record(v_call);
end $$;

-- Gives the person's word to a call that waits for it: of any number at once one takes it. is_taken: it was this one. A call that was
-- confirmed and never ended, because its process did not live, is taken again (is_again) after half a minute: what it does, it does once.
create or replace function app.take_tool_call(p_user_id uuid, p_id uuid, p_to text, p_request_id text) returns jsonb
language plpgsql set search_path = app, pg_temp as $$
declare
  v_call tool_calls;
  v_is_taken boolean;
  v_is_again boolean;
begin
  perform app.set_user_context(p_user_id);
  select c.* into v_call from tool_calls c where c.user_id = p_user_id and c.id = p_id for update;
  if not found then
    perform app.fail('PT404', 'tool.not_found', 'There is no such call.');
  end if;
  v_is_again := p_to = 'running' and v_call.status = 'running'
    and coalesce(v_call.confirmed_at < clock_timestamp() - interval '30 seconds', false);
  v_is_taken := v_is_again or app.tool_call_status(v_call) = 'needs_confirmation';
  if v_is_taken then
    update tool_calls c set status = p_to, confirmed_at = case when p_to = 'running' then clock_timestamp() end,
      finished_at = case when p_to <> 'running' then clock_timestamp() end
    where c.user_id = p_user_id and c.id = p_id returning c.* into v_call;
    perform app.audit_tool_call(p_user_id, v_call, case p_to when 'running' then 'confirm' else 'decline' end,
      '{"status": "needs_confirmation"}', jsonb_build_object('status', p_to), p_request_id);
  end if;
  return app.tool_call_record(v_call) || jsonb_build_object('is_taken', v_is_taken, 'is_again', v_is_again);
end $$;

-- That what a call did was taken back; twice changes nothing. p_restored: {id, was, version}: that thing is again as it was at version
-- `was`, in a version of its own now, so calls before this one can be taken back in their turn.
create or replace function app.mark_tool_call_undone(p_user_id uuid, p_id uuid, p_restored jsonb, p_request_id text) returns jsonb
language plpgsql set search_path = app, pg_temp as $$
declare
  v_call tool_calls;
begin
  perform app.set_user_context(p_user_id);
  update tool_calls c set undone_at = clock_timestamp()
  where c.user_id = p_user_id and c.id = p_id and c.status = 'done' and c.undone_at is null returning c.* into v_call;
  if found then
    update tool_calls c set undo = jsonb_set(c.undo, '{arguments,version}', p_restored -> 'version')
    where c.user_id = p_user_id and c.status = 'done' and c.undone_at is null and c.created_at <= v_call.created_at
      and coalesce(c.undo #>> '{arguments,block_id}', c.undo #>> '{arguments,schedule_id}') = p_restored ->> 'id'
      and c.undo #> '{arguments,version}' = p_restored -> 'was';
    perform app.audit_tool_call(p_user_id, v_call, 'undo', '{"undone": false}', '{"undone": true}', p_request_id);
  else
    select c.* into v_call from tool_calls c where c.user_id = p_user_id and c.id = p_id;
  end if;
  return app.tool_call_record(v_call);
end $$;

-- Newest first.
create or replace function app.list_tool_calls(p_user_id uuid, p_status text, p_context_id uuid, p_names text[],
  p_cursor_created_at timestamptz, p_cursor_id uuid, p_limit int)
returns table (record jsonb) language plpgsql stable set search_path = app, pg_temp as $$
begin
  perform app.set_user_context(p_user_id);
  return query select app.tool_call_record(c) from tool_calls c
    where c.user_id = p_user_id and (p_status is null or app.tool_call_status(c) = p_status)
      and (p_context_id is null or c.context_id = p_context_id) and (p_names is null or c.name = any (p_names))
      and (p_cursor_id is null or (c.created_at, c.id) < (p_cursor_created_at, p_cursor_id))
    order by c.created_at desc, c.id desc limit least(greatest(p_limit, 1), 1000);
end $$;

-- Null: none waits for the person's word.
create or replace function app.find_pending_tool_call(p_user_id uuid, p_context_id uuid) returns jsonb
language plpgsql stable set search_path = app, pg_temp as $$
begin
  perform app.set_user_context(p_user_id);
  return (select app.tool_call_record(c) from tool_calls c
    where c.user_id = p_user_id and c.context_id = p_context_id and c.status = 'needs_confirmation' and c.expires_at > now()
    order by c.created_at desc, c.id desc limit 1);
end $$;

-- Whether anybody but this person would notice a change there.
create or replace function app.is_calendar_shared(p_user_id uuid, p_calendar_id uuid) returns boolean
language plpgsql stable set search_path = app, pg_temp as $$
declare
  v_workspace_id constant uuid := (app.set_calendar_context(p_user_id, p_calendar_id, 'freebusy')).workspace_id;
begin
  return exists (select from calendar_subscriptions s
    where s.workspace_id = v_workspace_id and s.calendar_id = p_calendar_id and s.user_id <> p_user_id);
end $$;

create or replace function app.is_canvas_shared(p_user_id uuid, p_canvas_id uuid) returns boolean
language plpgsql stable set search_path = app, pg_temp as $$
declare
  v_workspace_id constant uuid := (app.set_canvas_context(p_user_id, p_canvas_id, 'viewer')).workspace_id;
begin
  return exists (select from app.get_canvas_members_detailed(p_user_id, p_canvas_id) m where m.user_id <> p_user_id)
    or exists (select from share_links l
      where l.workspace_id = v_workspace_id and l.canvas_id = p_canvas_id and (l.expires_at is null or l.expires_at > now()));
end $$;

-- Ends what nobody will end: calls that waited too long, and those whose process did not live. How many it was, at most p_limit of each.
create or replace function app.expire_tool_calls(p_limit int) returns int
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_expired int;
  v_interrupted int;
begin
  with due as (
    select c.id from tool_calls c where c.status = 'needs_confirmation' and c.expires_at <= now()
    order by c.expires_at limit least(p_limit, 10000) for update skip locked
  )
  update tool_calls c set status = 'expired', finished_at = now() from due where c.id = due.id;
  get diagnostics v_expired = row_count;
  with lost as (
    select c.id from tool_calls c
    where c.status = 'running' and c.created_at < now() - interval '10 minutes'
      and (c.confirmed_at is null or c.confirmed_at < now() - interval '10 minutes')
    order by c.created_at limit least(p_limit, 10000) for update skip locked
  )
  update tool_calls c set status = 'failed', error_code = 'tool.interrupted', finished_at = now() from lost where c.id = lost.id;
  get diagnostics v_interrupted = row_count;
  return greatest(v_expired, v_interrupted);
end $$;

grant execute on function app.tool_call_status, app.tool_call_json, app.tool_call_record, app.audit_tool_call, app.get_tool_call,
  app.begin_tool_call, app.finish_tool_call, app.take_tool_call, app.mark_tool_call_undone, app.list_tool_calls,
  app.find_pending_tool_call, app.is_calendar_shared, app.is_canvas_shared to app_user;
grant execute on function app.expire_tool_calls to job_user;
