create or replace function app.context_json(c app.chat_contexts) returns jsonb language sql stable parallel safe
  return jsonb_build_object('id', (c).id, 'title', (c).title, 'titled_by', (c).titled_by, 'summary', (c).summary, 'status', (c).status,
    'import_source', (c).import_source, 'external_id', (c).external_id, 'version', (c).version, 'created_at', app.iso((c).created_at),
    'updated_at', app.iso((c).updated_at), 'last_message_at', app.iso((c).last_message_at));

-- How much one person's chat holds at most.
create or replace function app.max_chat_contexts() returns int language sql immutable parallel safe return 10000;
create or replace function app.max_chat_messages() returns bigint language sql immutable parallel safe return 1000000;

-- Room for p_count contexts more. The caller has the person's context and holds their head.
create or replace function app.check_chat_contexts(p_user_id uuid, p_count int) returns void
language plpgsql set search_path = app, pg_temp as $$
begin
  if (select count(*) from chat_contexts c where c.user_id = p_user_id) + p_count > app.max_chat_contexts() then
    perform app.fail('PT409', 'chat.too_many_contexts', format('A person has at most %s contexts; delete or merge some.', app.max_chat_contexts()));
  end if;
end $$;

-- The person's own, the one that was last spoken in first. The cursor is the last row read.
create or replace function app.list_contexts(p_user_id uuid, p_status text, p_cursor_at timestamptz, p_cursor_id uuid, p_limit int)
returns table (context jsonb, last_message_at timestamptz, id uuid)
language plpgsql set search_path = app, pg_temp as $$
begin
  perform app.set_user_context(p_user_id);
  return query
    select app.context_json(c), c.last_message_at, c.id from chat_contexts c
    where c.user_id = p_user_id and c.status = p_status
      and (c.last_message_at, c.id) < (coalesce(p_cursor_at, 'infinity'), coalesce(p_cursor_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
    order by c.last_message_at desc, c.id desc limit p_limit;
end $$;

-- The caller has the person's context.
create or replace function app.find_context(p_user_id uuid, p_context_id uuid) returns app.chat_contexts
language plpgsql stable set search_path = app, pg_temp as $$
declare
  v_context chat_contexts;
begin
  select * into v_context from chat_contexts c where c.user_id = p_user_id and c.id = p_context_id;
  if not found then
    perform app.fail('PT404', 'chat.context_not_found', 'There is no such context.');
  end if;
  return v_context;
end $$;

-- The same, for whoever changes it: the head first, which every writer of messages holds too.
create or replace function app.hold_context(p_user_id uuid, p_context_id uuid) returns app.chat_contexts
language plpgsql set search_path = app, pg_temp set lock_timeout = '400ms' as $$
begin
  perform app.set_user_context(p_user_id);
  perform app.lock_chat_head(p_user_id);
  perform from chat_contexts c where c.user_id = p_user_id and c.id = p_context_id for no key update;
  return app.find_context(p_user_id, p_context_id);
end $$;

create or replace function app.get_context(p_user_id uuid, p_context_id uuid) returns jsonb
language plpgsql set search_path = app, pg_temp as $$
begin
  perform app.set_user_context(p_user_id);
  return app.context_json(app.find_context(p_user_id, p_context_id));
end $$;

create or replace function app.create_context(p_user_id uuid, p_context_id uuid, p_title text, p_request_id text) returns jsonb
language plpgsql set search_path = app, pg_temp set lock_timeout = '400ms' as $$
declare
  v_context chat_contexts;
begin
  perform app.set_user_context(p_user_id);
  perform app.lock_chat_head(p_user_id);
  perform app.check_chat_contexts(p_user_id, 1);
  insert into chat_contexts (id, user_id, title, titled_by, created_at, updated_at, last_message_at)
  values (p_context_id, p_user_id, p_title, 'user', clock_timestamp(), clock_timestamp(), clock_timestamp()) returning * into v_context;
  perform app.append_person_audit(p_user_id, 'chat_context.create', 'chat_context', p_context_id::text, null,
    jsonb_build_object('titled_by', 'user'), p_request_id);
  return app.context_json(v_context);
end $$;

-- A title that the person gave is theirs: no model changes it. p_expected_version null: whatever it is now.
create or replace function app.update_context(p_user_id uuid, p_context_id uuid, p_expected_version int, p_title text, p_request_id text)
returns jsonb language plpgsql set search_path = app, pg_temp as $$
declare
  v_before chat_contexts;
  v_after chat_contexts;
begin
  v_before := app.hold_context(p_user_id, p_context_id);
  if p_expected_version <> v_before.version then
    perform app.fail('PT412', 'chat.version_conflict', 'The context was changed meanwhile.',
      jsonb_build_object('current', app.context_json(v_before)));
  end if;
  update chat_contexts c set title = p_title, titled_by = 'user', version = c.version + 1, updated_at = clock_timestamp()
  where c.user_id = p_user_id and c.id = p_context_id and (c.title, c.titled_by) is distinct from (p_title, 'user')
  returning * into v_after;
  if not found then
    return app.context_json(v_before);
  end if;
  perform app.append_person_audit(p_user_id, 'chat_context.update', 'chat_context', p_context_id::text,
    jsonb_build_object('version', v_before.version, 'titled_by', v_before.titled_by),
    jsonb_build_object('version', v_after.version, 'titled_by', 'user'), p_request_id);
  return app.context_json(v_after);
end $$;

-- Twice is once. What is archived is no longer where the conversation goes on by itself.
create or replace function app.set_context_status(p_user_id uuid, p_context_id uuid, p_status text, p_request_id text) returns jsonb
language plpgsql set search_path = app, pg_temp as $$
declare
  v_before chat_contexts;
  v_after chat_contexts;
begin
  v_before := app.hold_context(p_user_id, p_context_id);
  if v_before.status = p_status then
    return app.context_json(v_before);
  end if;
  update chat_contexts c set status = p_status, version = c.version + 1, updated_at = clock_timestamp()
  where c.user_id = p_user_id and c.id = p_context_id returning * into v_after;
  if p_status = 'archived' then
    update chat_heads h set active_context_id = null where h.user_id = p_user_id and h.active_context_id = p_context_id;
  end if;
  perform app.append_person_audit(p_user_id, case p_status when 'archived' then 'chat_context.archive' else 'chat_context.restore' end,
    'chat_context', p_context_id::text, jsonb_build_object('status', v_before.status), jsonb_build_object('status', p_status), p_request_id);
  return app.context_json(v_after);
end $$;

-- The messages of one context go to another and stand there by their own times, with what the index knows of them; runs, what tools did
-- and the summary follow, and the context is gone.
-- Moves p_limit messages of a context that is to be merged, the oldest first, in a transaction of their own, where there are more; the last
-- of them go with the merge itself. How many were moved, and are left.
create or replace function app.move_messages(p_user_id uuid, p_context_id uuid, p_into_context_id uuid, p_limit int, out moved int, out remaining int)
language plpgsql set search_path = app, pg_temp set lock_timeout = '2s' as $$
declare
  v_ids uuid[];
begin
  moved := 0;
  remaining := 0;
  perform app.set_user_context(p_user_id);
  perform app.lock_chat_head(p_user_id);
  if (select count(*) from (select from chat_contexts c where c.user_id = p_user_id and c.id in (p_context_id, p_into_context_id)
    order by c.id for no key update) c) < 2 then
    return;
  end if;
  select count(*) into remaining from chat_messages m where m.user_id = p_user_id and m.context_id = p_context_id;
  if remaining <= p_limit then
    return;
  end if;
  v_ids := array(select m.id from chat_messages m where m.user_id = p_user_id and m.context_id = p_context_id
    order by m.created_at, m.seq limit p_limit);
  -- Beside what goes, should the merge not go on, and beside where it comes.
  perform app.requeue_messages(p_user_id, app.neighbours_of(p_user_id, v_ids));
  update chat_messages m set context_id = p_into_context_id where m.user_id = p_user_id and m.id = any (v_ids);
  perform app.move_message_terms(p_user_id, p_context_id, p_into_context_id, v_ids);
  perform app.requeue_messages(p_user_id, app.neighbours_of(p_user_id, v_ids));
  -- Neither says any more what stands in it: both are summed up again.
  update chat_contexts c set summary_until = 0, summary_reach = greatest(c.summary_reach, c.summary_until)
  where c.user_id = p_user_id and c.id = p_into_context_id and c.summary_until > 0;
  moved := p_limit;
  remaining := remaining - moved;
end $$;

create or replace function app.merge_contexts(p_user_id uuid, p_context_id uuid, p_into_context_id uuid, p_request_id text,
  p_moved bigint default 0) returns jsonb
language plpgsql set search_path = app, pg_temp set lock_timeout = '400ms' as $$
declare
  v_from chat_contexts;
  v_into chat_contexts;
  v_moved bigint;
begin
  v_from := app.hold_context(p_user_id, p_context_id);
  perform from chat_contexts c where c.user_id = p_user_id and c.id = p_into_context_id for no key update;
  if not found then
    perform app.fail('PT404', 'chat.context_not_found', 'There is no such context to merge into.');
  end if;
  v_into := app.find_context(p_user_id, p_into_context_id);
  perform app.requeue_messages(p_user_id, app.merged_windows(p_user_id, p_context_id, p_into_context_id));
  update chat_messages m set context_id = p_into_context_id where m.user_id = p_user_id and m.context_id = p_context_id;
  get diagnostics v_moved = row_count;
  perform app.move_message_terms(p_user_id, p_context_id, p_into_context_id);
  update agent_runs r set context_id = p_into_context_id where r.user_id = p_user_id and r.context_id = p_context_id;
  update tool_calls t set context_id = p_into_context_id where t.user_id = p_user_id and t.context_id = p_context_id;
  update chat_heads h set active_context_id = p_into_context_id where h.user_id = p_user_id and h.active_context_id = p_context_id;
  delete from chat_contexts c where c.user_id = p_user_id and c.id = p_context_id;
  -- What only one of the summaries covers is summed up again, rather than lost.
  update chat_contexts c set summary = left(concat_ws(E'\n\n', v_into.summary, v_from.summary), 8000),
    summary_reach = greatest(v_into.summary_until, v_into.summary_reach, v_from.summary_until, v_from.summary_reach),
    summary_until = case when v_moved = 0 then v_into.summary_until else least(v_into.summary_until, v_from.summary_until) end,
    import_source = case when v_into.external_id is null then coalesce(v_from.import_source, v_into.import_source) else v_into.import_source end,
    external_id = coalesce(v_into.external_id, v_from.external_id),
    last_message_at = case when v_moved = 0 then v_into.last_message_at else greatest(v_into.last_message_at, v_from.last_message_at) end,
    version = c.version + 1, updated_at = clock_timestamp()
  where c.user_id = p_user_id and c.id = p_into_context_id returning * into v_into;
  if v_into.summary = '' then
    update chat_contexts c set summary = null where c.user_id = p_user_id and c.id = p_into_context_id returning * into v_into;
  end if;
  perform app.append_person_audit(p_user_id, 'chat_context.merge', 'chat_context', p_context_id::text, null,
    jsonb_build_object('into_context_id', p_into_context_id, 'messages', p_moved + v_moved), p_request_id);
  return app.context_json(v_into);
end $$;

-- With every message in it and all that hangs on them: of its runs the numbers stay. The runs of the last hours, which may have told of it.
create or replace function app.delete_context(p_user_id uuid, p_context_id uuid, p_request_id text) returns uuid[]
language plpgsql set search_path = app, pg_temp as $$
declare
  v_messages uuid[];
  v_runs uuid[];
begin
  perform app.hold_context(p_user_id, p_context_id);
  v_messages := array(select m.id from chat_messages m where m.user_id = p_user_id and m.context_id = p_context_id);
  -- A merge that was cut off has moved messages, and not yet their runs.
  v_runs := array(
    select r.id from agent_runs r where r.user_id = p_user_id and r.context_id = p_context_id
    union
    select m.run_id from chat_messages m where m.user_id = p_user_id and m.context_id = p_context_id and m.role = 'user' and m.run_id is not null);
  update agent_runs r set cancel_requested_at = coalesce(r.cancel_requested_at, clock_timestamp())
  where r.user_id = p_user_id and r.id = any (v_runs) and r.status = 'running';
  delete from tool_calls t where t.user_id = p_user_id and t.context_id = p_context_id;
  perform app.clear_runs(p_user_id, v_runs);
  update agent_runs r set context_id = null where r.user_id = p_user_id and r.id = any (v_runs);
  perform app.cut_message_traces(p_user_id, v_messages);
  delete from chat_contexts c where c.user_id = p_user_id and c.id = p_context_id;
  perform app.cut_context_answers(p_user_id, p_context_id);
  perform app.append_person_audit(p_user_id, 'chat_context.delete', 'chat_context', p_context_id::text,
    jsonb_build_object('messages', cardinality(v_messages)), null, p_request_id);
  return array(select r.id from agent_runs r where r.user_id = p_user_id and r.id = any (v_runs) and r.status = 'running')
    || app.told_runs(p_user_id);
end $$;

-- Which role a person has fixed is told as long as they may use it. The caller has the person's context.
create or replace function app.chat_settings_json(p_user_id uuid) returns jsonb
language plpgsql stable set search_path = app, pg_temp as $$
begin
  return coalesce(
    (select jsonb_build_object('role_prompt_id', case when app.may_use_role_prompt(p_user_id, h.role_prompt_id) then h.role_prompt_id end,
      'is_memory_enabled', h.is_memory_enabled, 'active_context_id', h.active_context_id, 'version', h.version)
     from chat_heads h where h.user_id = p_user_id),
    '{"role_prompt_id": null, "is_memory_enabled": true, "active_context_id": null, "version": 1}');
end $$;

create or replace function app.get_chat_settings(p_user_id uuid) returns jsonb
language plpgsql set search_path = app, pg_temp as $$
begin
  perform app.set_user_context(p_user_id);
  return app.chat_settings_json(p_user_id);
end $$;

-- p_patch: any of role_prompt_id (null: chosen for each turn), is_memory_enabled.
create or replace function app.update_chat_settings(p_user_id uuid, p_expected_version int, p_patch jsonb, p_request_id text) returns jsonb
language plpgsql set search_path = app, pg_temp as $$
declare
  v_before jsonb;
  v_after jsonb;
begin
  perform app.set_user_context(p_user_id);
  perform app.lock_chat_head(p_user_id);
  v_before := app.chat_settings_json(p_user_id);
  if p_expected_version <> (v_before ->> 'version')::int then
    perform app.fail('PT412', 'chat.version_conflict', 'The settings were changed meanwhile.', jsonb_build_object('current', v_before));
  end if;
  if not app.may_use_role_prompt(p_user_id, (p_patch ->> 'role_prompt_id')::uuid) then
    perform app.fail('PT404', 'role_prompt.not_found', 'There is no such role.', '{"pointer": "/role_prompt_id"}');
  end if;
  update chat_heads h set
    role_prompt_id = case when p_patch ? 'role_prompt_id' then (p_patch ->> 'role_prompt_id')::uuid else h.role_prompt_id end,
    is_memory_enabled = coalesce((p_patch ->> 'is_memory_enabled')::boolean, h.is_memory_enabled),
    version = h.version + 1, updated_at = clock_timestamp()
  where h.user_id = p_user_id;
  v_after := app.chat_settings_json(p_user_id);
  perform app.append_person_audit(p_user_id, 'chat_settings.update', 'user', p_user_id::text, app.pick_fields(v_before, p_patch),
    app.pick_fields(v_after, p_patch), p_request_id);
  return v_after;
end $$;

grant execute on function app.context_json, app.max_chat_contexts, app.max_chat_messages, app.check_chat_contexts, app.list_contexts,
  app.find_context, app.hold_context, app.get_context, app.create_context, app.update_context, app.set_context_status, app.move_messages,
  app.merge_contexts,  app.delete_context, app.chat_settings_json, app.get_chat_settings, app.update_chat_settings to app_user;
