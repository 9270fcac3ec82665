-- How turns go on and end, whoever ends them, and how they are read.

-- What the person is told on /ws/me of a run that is over.
create or replace function app.tell_of_turn(r app.agent_runs, p_type text, p_more jsonb) returns void
language plpgsql set search_path = app, pg_temp as $$
begin
  insert into outbox (id, topic, user_id, payload, traceparent, request_id)
  values (app.uuidv7(), 'me.deliver', (r).user_id, jsonb_build_object('user_id', (r).user_id, 'type', p_type, 'run_id', (r).id,
    'context_id', (r).context_id, 'user_message_id', (r).user_message_id) || p_more, (r).traceparent, (r).request_id);
end $$;

-- Does p_ops in the ledger of a run that is still this process's: one that lost it begins nothing more.
create or replace function app.continue_turn(p_user_id uuid, p_run jsonb, p_ops jsonb) returns jsonb
language plpgsql set search_path = app, pg_temp set plan_cache_mode = force_generic_plan as $$
begin
  perform app.set_user_context(p_user_id);
  perform app.lock_turn(p_user_id, p_run);
  return app.apply_ledger(p_user_id, (p_run ->> 'run_id')::uuid, p_ops);
end $$;

-- What was shown of an answer becomes a message, in place of what an attempt that failed had left of one; its id. p_answer: message_id,
-- content, language, finish_reason; without content what there is stays. The caller has the person's context and their head.
create or replace function app.store_answer(p_user_id uuid, p_run app.agent_runs, p_context_id uuid, p_answer jsonb, p_at timestamptz)
returns uuid language plpgsql set search_path = app, pg_temp set plan_cache_mode = force_generic_plan as $$
declare
  v_id constant uuid := p_answer ->> 'message_id';
  v_former_id constant uuid := p_run.answer_message_id;
begin
  if coalesce(p_answer ->> 'content', '') = '' then
    return v_former_id;
  end if;
  if v_former_id is not null then
    perform app.cut_message_traces(p_user_id, array[v_former_id]);
    delete from chat_messages m where m.user_id = p_user_id and m.id = v_former_id;
  end if;
  insert into chat_messages (id, user_id, context_id, seq, role, content, source, run_id, finish_reason, language, created_at)
  values (v_id, p_user_id, p_context_id, app.take_message_seqs(p_user_id, 1), 'assistant', p_answer ->> 'content', p_run.source,
    p_run.id, nullif(p_answer ->> 'finish_reason', 'stop'), p_answer ->> 'language', p_at);
  update chat_contexts c set last_message_at = greatest(c.last_message_at, p_at) where c.user_id = p_user_id and c.id = p_context_id;
  return v_id;
end $$;

-- Ends a turn with its answer (p_answer: of store_answer, and status done or cancelled, citations, first_token_at, assess). Without
-- content, as of a turn that was cancelled before a word, there is no message.
create or replace function app.finish_turn(p_user_id uuid, p_run jsonb, p_answer jsonb, p_ops jsonb) returns jsonb
language plpgsql set search_path = app, pg_temp set plan_cache_mode = force_generic_plan as $$
declare
  v_at constant timestamptz := clock_timestamp();
  v_run agent_runs;
  v_context_id uuid;
  v_message_id uuid;
begin
  perform app.set_user_context(p_user_id);
  perform app.lock_chat_head(p_user_id);
  v_run := app.lock_turn(p_user_id, p_run);
  select m.context_id into v_context_id from chat_messages m where m.user_id = p_user_id and m.id = v_run.user_message_id;
  if v_context_id is null then
    perform app.fail('PT404', 'chat.message_not_found', 'The message is gone.');
  end if;
  v_message_id := app.store_answer(p_user_id, v_run, v_context_id, p_answer, v_at);
  update agent_runs r set status = p_answer ->> 'status', finish_reason = p_answer ->> 'finish_reason', context_id = v_context_id,
    answer_message_id = v_message_id, citations = p_answer -> 'citations', first_token_at = (p_answer ->> 'first_token_at')::timestamptz,
    finished_at = v_at
  where r.user_id = p_user_id and r.id = v_run.id returning * into v_run;
  perform app.tell_of_turn(v_run, 'agent.done', jsonb_build_object('message_id', v_message_id, 'finish_reason', v_run.finish_reason));
  if (p_answer ->> 'assess')::boolean then
    insert into outbox (id, topic, user_id, payload, traceparent, request_id)
    values (app.uuidv7(), 'agent.assess', p_user_id, jsonb_build_object('user_id', p_user_id, 'run_id', v_run.id), v_run.traceparent,
      v_run.request_id);
  end if;
  perform app.apply_ledger(p_user_id, v_run.id, p_ops);
  return jsonb_build_object('context_id', v_context_id, 'message_id', v_message_id, 'usage', app.run_usage(p_user_id, v_run.id, false));
end $$;

-- Ends a turn without its answer; its message stays, and the same key begins it anew. p_failure: code, detail, and shown: what the person
-- has seen of the answer (of store_answer, and citations, first_token_at), which stays too; null: nothing.
create or replace function app.fail_turn(p_user_id uuid, p_run jsonb, p_failure jsonb, p_ops jsonb) returns void
language plpgsql set search_path = app, pg_temp set plan_cache_mode = force_generic_plan as $$
declare
  v_at constant timestamptz := clock_timestamp();
  v_run agent_runs;
begin
  perform app.set_user_context(p_user_id);
  perform app.lock_chat_head(p_user_id);
  v_run := app.lock_turn(p_user_id, p_run);
  v_run := app.keep_shown(v_run, p_failure -> 'shown', v_at);
  update agent_runs r set status = 'failed', error_code = p_failure ->> 'code', error_detail = left(p_failure ->> 'detail', 2000),
    finished_at = v_at
  where r.user_id = p_user_id and r.id = v_run.id returning * into v_run;
  perform app.tell_of_turn(v_run, 'agent.failed', jsonb_build_object('code', v_run.error_code, 'message_id', v_run.answer_message_id));
  perform app.apply_ledger(p_user_id, v_run.id, p_ops);
  if v_run.user_message_id is null then
    -- What its tools were asked since the message was deleted.
    perform app.clear_runs(p_user_id, array[v_run.id]);
  end if;
end $$;

-- The run with what was shown of an answer that did not come to its end (shown of fail_turn), unless the person has deleted what they
-- said. The caller has the person's context and their head.
create or replace function app.keep_shown(p_run app.agent_runs, p_shown jsonb, p_at timestamptz) returns app.agent_runs
language plpgsql set search_path = app, pg_temp set plan_cache_mode = force_generic_plan as $$
declare
  v_run agent_runs := p_run;
  v_context_id uuid;
  v_message_id uuid;
begin
  select m.context_id into v_context_id from chat_messages m where m.user_id = p_run.user_id and m.id = p_run.user_message_id;
  if coalesce(p_shown ->> 'content', '') <> '' and v_context_id is not null then
    v_message_id := app.store_answer(p_run.user_id, p_run, v_context_id, p_shown, p_at);
    update agent_runs r set answer_message_id = v_message_id, finish_reason = p_shown ->> 'finish_reason', citations = p_shown -> 'citations',
      first_token_at = (p_shown ->> 'first_token_at')::timestamptz
    where r.user_id = p_run.user_id and r.id = p_run.id returning * into v_run;
  elsif p_run.answer_message_id is not null then
    update agent_runs r set finish_reason = (select m.finish_reason from chat_messages m where m.id = r.answer_message_id)
    where r.user_id = p_run.user_id and r.id = p_run.id returning * into v_run;
  end if;
  return v_run;
end $$;

-- Ends a run whose process died and that nobody takes on: cancelled where its person wanted an end, else failed; what it held is free
-- again. p_shown: of fail_turn. The caller has the person's head and has locked the run.
create or replace function app.end_left_turn(p_run app.agent_runs, p_shown jsonb) returns app.agent_runs
language plpgsql set search_path = app, pg_temp as $$
declare
  v_at constant timestamptz := clock_timestamp();
  v_is_unwanted constant boolean := p_run.cancel_requested_at is not null or p_run.user_message_id is null;
  v_run agent_runs := p_run;
begin
  v_run := app.keep_shown(p_run, p_shown || jsonb_build_object('finish_reason', case when v_is_unwanted then 'cancelled' else 'failed' end), v_at);
  update agent_runs r set status = case when v_is_unwanted then 'cancelled' else 'failed' end, finished_at = v_at,
    finish_reason = case when v_is_unwanted then 'cancelled' else r.finish_reason end,
    error_code = case when not v_is_unwanted then 'agent.interrupted' end
  where r.user_id = p_run.user_id and r.id = p_run.id returning * into v_run;
  if v_is_unwanted then
    perform app.tell_of_turn(v_run, 'agent.done', jsonb_build_object('message_id', v_run.answer_message_id, 'finish_reason', 'cancelled'));
  else
    perform app.tell_of_turn(v_run, 'agent.failed', jsonb_build_object('code', v_run.error_code, 'message_id', v_run.answer_message_id));
  end if;
  perform app.apply_ledger(p_run.user_id, p_run.id, '[{"op": "abandon"}]');
  if v_run.user_message_id is null then
    perform app.clear_runs(p_run.user_id, array[v_run.id]);
  end if;
  return v_run;
end $$;

-- Keeps the runs of a process its own, whosever they are; the ones that it no longer has are missing from the answer, and of the others
-- it is told who wants an end. A row that is just being finished is left alone, and counts as kept.
create or replace function app.renew_turns(p_lease_owner uuid, p_run_ids uuid[], p_lease_ms int)
returns table (run_id uuid, is_cancelled boolean)
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  return query
    with held as (
      select r.id from agent_runs r where r.id = any (p_run_ids) and r.lease_owner = p_lease_owner and r.status = 'running'
      for no key update skip locked
    ), renewed as (
      update agent_runs r set lease_until = clock_timestamp() + p_lease_ms * interval '1 millisecond' from held where r.id = held.id
    )
    select r.id, r.cancel_requested_at is not null from agent_runs r
    where r.id = any (p_run_ids) and r.lease_owner = p_lease_owner and r.status = 'running';
end $$;

-- Asks whoever runs it to end it; what is over stays as it is.
create or replace function app.cancel_turn(p_user_id uuid, p_run_id uuid) returns text
language plpgsql set search_path = app, pg_temp as $$
declare
  v_status text;
begin
  perform app.set_user_context(p_user_id);
  update agent_runs r set cancel_requested_at = coalesce(r.cancel_requested_at, clock_timestamp())
  where r.user_id = p_user_id and r.id = p_run_id and r.status = 'running';
  select r.status into v_status from agent_runs r where r.user_id = p_user_id and r.id = p_run_id;
  if not found then
    perform app.fail('PT404', 'agent.run_not_found', 'There is no such run.');
  end if;
  return v_status;
end $$;

-- What stands in a block or a schedule that an answer cites, as far as the person sees it now; null: not any more.
create or replace function app.cited_text(p_user_id uuid, p_kind text, p_id uuid, p_place_id uuid) returns text
language plpgsql stable security definer set search_path = app, pg_temp as $$
begin
  if p_kind = 'block' then
    return (select app.block_text(b.type, b.content) from app.find_canvas_access(p_user_id, p_place_id) a
      join blocks b on b.workspace_id = a.workspace_id and b.canvas_id = p_place_id and b.id = p_id and b.deleted_at is null
      where a.rank is not null);
  end if;
  return (select s.title from app.decide_schedule_access(p_user_id, p_id) a
    join schedules s on s.workspace_id = a.workspace_id and s.calendar_id = a.calendar_id and s.id = p_id
    where a.role is not null);
end $$;

-- A turn as it stands, with the words of what it cites, as far as they are still there and the person's to see.
create or replace function app.get_turn(p_user_id uuid, p_run_id uuid) returns jsonb
language plpgsql set search_path = app, pg_temp set plan_cache_mode = force_generic_plan as $$
declare
  v_run agent_runs;
begin
  perform app.set_user_context(p_user_id);
  select * into v_run from agent_runs r where r.user_id = p_user_id and r.id = p_run_id;
  if not found then
    perform app.fail('PT404', 'agent.run_not_found', 'There is no such run.');
  end if;
  if v_run.status = 'running' then
    -- What an attempt before has left is about to be replaced.
    v_run.answer_message_id := null;
    v_run.citations := '[]';
  end if;
  return jsonb_build_object('run_id', v_run.id, 'status', v_run.status, 'attempt', v_run.attempt, 'context_id', v_run.context_id,
    'is_held', v_run.status = 'running' and v_run.lease_until > clock_timestamp(), 'judgement', v_run.judgement,
    'user_message', (select jsonb_build_object('id', m.id, 'content', m.content, 'created_at', app.iso(m.created_at))
      from chat_messages m where m.user_id = p_user_id and m.id = v_run.user_message_id),
    'message', (select jsonb_build_object('id', m.id, 'content', m.content, 'created_at', app.iso(m.created_at))
      from chat_messages m where m.user_id = p_user_id and m.id = v_run.answer_message_id),
    'finish_reason', v_run.finish_reason,
    -- Ids first: what is compared with them is to be found by an index.
    'citations', (select coalesce(jsonb_agg(c.value || jsonb_build_object('excerpt', left(coalesce(
        case c.kind
          when 'message' then (select m.content from chat_messages m where m.user_id = p_user_id and m.id = c.id)
          when 'memory' then (select s.content from user_semantic_memories s where s.user_id = p_user_id and s.id = c.id)
          when 'preference' then (select p.content from user_preferences p where p.user_id = p_user_id and p.id = c.id)
          else app.cited_text(p_user_id, c.kind, c.id, (c.value ->> 'place_id')::uuid)
        end, ''), 300)) order by c.ordinality), '[]')
      from (select e.value, e.ordinality, e.value ->> 'kind' as kind, (e.value ->> 'id')::uuid as id
        from jsonb_array_elements(v_run.citations) with ordinality e offset 0) c),
    'tools', (select coalesce(jsonb_agg(jsonb_build_object('tool_call_id', t.id, 'name', t.name, 'status', t.status, 'summary', t.summary,
        'arguments', t.arguments, 'result', t.result, 'expires_at', app.iso(t.expires_at)) order by t.created_at, t.id), '[]')
      from tool_calls t where t.user_id = p_user_id and t.run_id = p_run_id),
    'usage', app.run_usage(p_user_id, p_run_id, false), 'error_code', v_run.error_code, 'error_detail', v_run.error_detail);
end $$;

-- Messages of a context that was switched to, as begin_turn tells those of the one before.
create or replace function app.get_recent_messages(p_user_id uuid, p_context_id uuid, p_before timestamptz, p_before_seq bigint, p_limit int)
returns jsonb language plpgsql set search_path = app, pg_temp as $$
begin
  perform app.set_user_context(p_user_id);
  return app.recent_messages(p_user_id, p_context_id, false, p_before, p_before_seq, p_limit);
end $$;

-- Runs whose process died and that nobody took on for p_after_ms, p_limit at most.
create or replace function app.find_left_turns(p_after_ms int, p_limit int)
returns table (user_id uuid, run_id uuid, attempt int, seconds double precision)
language plpgsql stable security definer set search_path = app, pg_temp as $$
begin
  return query
    select r.user_id, r.id, r.attempt, extract(epoch from clock_timestamp() - r.lease_until)::double precision from agent_runs r
    where r.status = 'running' and r.lease_until < clock_timestamp() - p_after_ms * interval '1 millisecond'
    order by r.id limit p_limit;
end $$;

-- Ends one of them, unless somebody has taken it on meanwhile: whether it did. p_shown: of fail_turn.
create or replace function app.sweep_turn(p_user_id uuid, p_run_id uuid, p_attempt int, p_shown jsonb) returns boolean
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_run agent_runs;
begin
  perform app.lock_chat_head(p_user_id);
  select * into v_run from agent_runs r
  where r.user_id = p_user_id and r.id = p_run_id and r.attempt = p_attempt and r.status = 'running' and r.lease_until < clock_timestamp()
  for update;
  if found then
    perform app.end_left_turn(v_run, p_shown);
  end if;
  return v_run.id is not null;
end $$;

grant execute on function app.tell_of_turn, app.continue_turn, app.store_answer, app.finish_turn, app.fail_turn,
  app.keep_shown, app.end_left_turn, app.renew_turns, app.cancel_turn, app.cited_text, app.get_turn, app.get_recent_messages to app_user;
grant execute on function app.find_left_turns, app.sweep_turn to job_user;
