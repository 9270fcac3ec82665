-- Who pays for a turn: the workspace that is named, of which the person is a member of any role, else their personal space. Also whether
-- a role prompt may be used there, and until when there is no room for a step of p_hold {tokens, cost_micros, share, limits}: a look
-- without a lock, so that who has no quota left is told so before anything begins; the reservation decides.
create or replace function app.find_payer(p_user_id uuid, p_workspace_id uuid, p_role_prompt_id uuid, p_hold jsonb,
  out workspace_id uuid, out reason text, out reset_at timestamptz)
language plpgsql stable security definer set search_path = app, pg_temp set plan_cache_mode = force_generic_plan as $$
declare
  v_day constant date := (now() at time zone 'UTC')::date;
  v_month constant date := date_trunc('month', v_day)::date;
  v_share constant numeric := coalesce((p_hold ->> 'share')::numeric, 1);
  v_quota record;
  v_used bigint;
begin
  if p_workspace_id is null then
    select w.id into workspace_id from workspaces w where w.owner_user_id = p_user_id and w.is_personal and w.deleted_at is null;
  else
    select w.id into workspace_id from workspaces w
    where w.id = p_workspace_id and w.deleted_at is null and (w.owner_user_id = p_user_id
      or exists (select from workspace_members m where m.workspace_id = w.id and m.user_id = p_user_id));
  end if;
  if workspace_id is null then
    perform app.fail('PT404', 'workspace.not_found', 'There is no such workspace.');
  end if;
  if p_role_prompt_id is not null and not exists (select from role_prompts r
    where r.id = p_role_prompt_id and r.is_enabled and (r.workspace_id is null
      or (r.workspace_id = find_payer.workspace_id and app.has_workspace_roles(p_user_id, r.workspace_id)))) then
    perform app.fail('PT404', 'role_prompt.not_found', 'There is no such role.');
  end if;
  select * into v_quota from app.quota_of(workspace_id, p_hold -> 'limits');
  if v_quota.tokens_per_day is not null then
    select b.used_tokens + b.reserved_tokens into v_used from usage_budgets b where b.workspace_id = find_payer.workspace_id and b.day = v_day;
    if coalesce(v_used, 0) + (p_hold ->> 'tokens')::bigint > floor(v_quota.tokens_per_day * v_share) then
      reason := 'tokens_per_day';
      reset_at := (v_day + 1)::timestamp at time zone 'UTC';
    end if;
  end if;
  if v_quota.cost_micros_per_month is not null then
    select sum(b.used_cost_micros + b.reserved_cost_micros) into v_used
    from usage_budgets b where b.workspace_id = find_payer.workspace_id and b.day between v_month and v_day;
    if coalesce(v_used, 0) + (p_hold ->> 'cost_micros')::bigint > floor(v_quota.cost_micros_per_month * v_share) then
      reason := 'cost_per_month';
      reset_at := (v_month + interval '1 month')::timestamp at time zone 'UTC';
    end if;
  end if;
end $$;

-- A context as the judge is told of it.
create or replace function app.context_brief(c app.chat_contexts) returns jsonb language sql stable parallel safe
  return jsonb_build_object('id', (c).id, 'title', (c).title, 'summary', (c).summary, 'last_message_at', app.iso((c).last_message_at));

-- What was said before a message, oldest first: the last p_limit of the context, and with p_all those of any context too. The caller has
-- the person's context.
create or replace function app.recent_messages(p_user_id uuid, p_context_id uuid, p_all boolean, p_before timestamptz, p_before_seq bigint,
  p_limit int) returns jsonb
language plpgsql stable set search_path = app, pg_temp set plan_cache_mode = force_generic_plan as $$
begin
  return (select coalesce(jsonb_agg(jsonb_build_object('id', m.id, 'role', m.role, 'is_imported', m.source = 'import', 'content', left(m.content, 8000),
      'created_at', app.iso(m.created_at), 'context_id', m.context_id) order by m.created_at, m.seq), '[]')
    from (
      (select c.id from chat_messages c where c.user_id = p_user_id and c.context_id = p_context_id
        and (c.created_at, c.seq) < (p_before, p_before_seq) order by c.created_at desc, c.seq desc limit p_limit)
      union
      (select a.id from chat_messages a where p_all and a.user_id = p_user_id
        and (a.created_at, a.seq) < (p_before, p_before_seq) order by a.created_at desc, a.seq desc limit p_limit)
    ) found join chat_messages m on m.user_id = p_user_id and m.id = found.id);
end $$;

-- The head of every answer about a run that goes on elsewhere, or is over.
create or replace function app.turn_state(p_outcome text, r app.agent_runs) returns jsonb language sql stable parallel safe
  return jsonb_build_object('outcome', p_outcome, 'run_id', (r).id, 'attempt', (r).attempt, 'lease_owner', (r).lease_owner);

-- Begins a turn, or says that it has begun: one key is one run. p_turn: run_id, idempotency_key, request_hash, workspace_id, context_id,
-- role_prompt_id, source, message_id, content, language, new_context_id, title, is_answer (yes or no and nothing else), lease_owner,
-- lease_ms, max_running, hold (of find_payer), judge (the begin of its step), request_id, traceparent. The message is stored, the lease
-- taken and the judge's step reserved, all or nothing; what is told back is all that the turn needs to go on.
-- pending: the call of the context that waits for the person's word; is_asked: this message answers it.
-- outcome: begun; stored (done or cancelled before, or its message was deleted); running (somebody holds its lease); refused (the quota,
-- the run is failed and the message kept). A run that failed, or whose lease is over, begins anew with its next attempt and the message
-- that it had, in place of what earlier attempts said and took; one that its person wanted to end is not begun again.
create or replace function app.begin_turn(p_user_id uuid, p_turn jsonb) returns jsonb
language plpgsql set search_path = app, pg_temp set plan_cache_mode = force_generic_plan as $$
declare
  v_at constant timestamptz := clock_timestamp();
  -- What rows are looked for by stands in variables: under row-level security no index is used for what is worked out of JSON.
  v_key constant text := p_turn ->> 'idempotency_key';
  v_hidden_key constant text := app.hidden_key(p_user_id, v_key);
  v_context_id constant uuid := p_turn ->> 'context_id';
  v_head chat_heads;
  v_run agent_runs;
  v_is_rerun boolean;
  v_payer record;
  v_context chat_contexts;
  v_is_new_context boolean := false;
  v_message chat_messages;
  v_pending record;
  v_taken record;
  v_is_asked boolean := false;
  v_ops jsonb := '[]';
  v_results jsonb;
begin
  perform app.set_user_context(p_user_id);
  v_head := app.lock_chat_head(p_user_id);
  select * into v_run from agent_runs r where r.user_id = p_user_id and r.idempotency_key in (v_key, v_hidden_key) for update;
  v_is_rerun := found;
  if v_is_rerun then
    -- Empty: its words were deleted.
    if v_run.request_hash not in (p_turn ->> 'request_hash', '') then
      perform app.fail('PT409', 'turn.key_reused', 'This Idempotency-Key was used for another message.');
    elsif v_run.status = 'running' and v_run.lease_until > v_at then
      return app.turn_state('running', v_run);
    elsif v_run.status = 'running' and (v_run.cancel_requested_at is not null or v_run.user_message_id is null) then
      return app.turn_state('stored', app.end_left_turn(v_run, null));
    elsif v_run.status in ('done', 'cancelled') or v_run.user_message_id is null then
      return app.turn_state('stored', v_run);
    end if;
  end if;
  select * into v_payer from app.find_payer(p_user_id, coalesce(v_run.workspace_id, (p_turn ->> 'workspace_id')::uuid),
    (p_turn ->> 'role_prompt_id')::uuid, p_turn -> 'hold');
  if (select count(*) from agent_runs r where r.user_id = p_user_id and r.status = 'running' and r.lease_until > v_at)
    >= (p_turn ->> 'max_running')::int then
    perform app.fail('PT429', 'turn.too_many', 'Too many of your messages are being answered.', '{"retry_after_ms": 1000}');
  end if;

  select * into v_message from chat_messages m where m.user_id = p_user_id and m.id = v_run.user_message_id;
  if v_context_id is not null then
    select * into v_context from chat_contexts c where c.user_id = p_user_id and c.id = v_context_id;
    if not found then
      perform app.fail('PT404', 'chat.context_not_found', 'There is no such conversation.');
    end if;
  elsif v_message.id is not null then
    select * into v_context from chat_contexts c where c.user_id = p_user_id and c.id = v_message.context_id;
  else
    select * into v_context from chat_contexts c where c.user_id = p_user_id and c.id = v_head.active_context_id and c.status = 'active';
  end if;
  if v_context.id is null then
    v_is_new_context := true;
    insert into chat_contexts as c (id, user_id, title, created_at, updated_at, last_message_at)
    values ((p_turn ->> 'new_context_id')::uuid, p_user_id, p_turn ->> 'title', v_at, v_at, v_at) returning * into v_context;
  end if;
  if v_head.active_context_id is null then
    update chat_heads set active_context_id = v_context.id where user_id = p_user_id;
  end if;
  if v_message.id is null then
    insert into chat_messages as m (id, user_id, context_id, seq, role, content, source, run_id, language, created_at)
    values (coalesce(v_run.user_message_id, (p_turn ->> 'message_id')::uuid), p_user_id, v_context.id,
      app.take_message_seqs(p_user_id, 1), 'user', p_turn ->> 'content', p_turn ->> 'source',
      coalesce(v_run.id, (p_turn ->> 'run_id')::uuid), p_turn ->> 'language', v_at)
    returning * into v_message;
  end if;

  insert into agent_runs as r (id, user_id, workspace_id, context_id, source, idempotency_key, request_hash, status, lease_owner, lease_until,
    user_message_id, error_code, request_id, traceparent, started_at, finished_at)
  values ((p_turn ->> 'run_id')::uuid, p_user_id, v_payer.workspace_id, v_context.id, p_turn ->> 'source', p_turn ->> 'idempotency_key',
    p_turn ->> 'request_hash', case when v_payer.reason is null then 'running' else 'failed' end, (p_turn ->> 'lease_owner')::uuid,
    v_at + (p_turn ->> 'lease_ms')::int * interval '1 millisecond', v_message.id,
    case when v_payer.reason is not null then 'usage.quota_exceeded' end, p_turn ->> 'request_id', p_turn ->> 'traceparent', v_at,
    case when v_payer.reason is not null then v_at end)
  on conflict (user_id, idempotency_key) do update set status = excluded.status, attempt = r.attempt + 1, lease_owner = excluded.lease_owner,
    lease_until = excluded.lease_until, user_message_id = excluded.user_message_id, context_id = excluded.context_id,
    cancel_requested_at = null, finish_reason = case when excluded.status = 'failed' then r.finish_reason end, first_token_at = null,
    error_code = excluded.error_code, error_detail = null, request_id = excluded.request_id, traceparent = excluded.traceparent, finished_at = excluded.finished_at
  returning * into v_run;
  if v_payer.reason is not null then
    if v_is_rerun then
      perform app.apply_ledger(p_user_id, v_run.id, '[{"op": "abandon"}]');
    end if;
    return app.turn_state('refused', v_run) || jsonb_build_object('reason', v_payer.reason, 'reset_at', app.iso(v_payer.reset_at));
  end if;

  select t.id, t.name, t.summary, t.run_id into v_pending from tool_calls t
  where t.user_id = p_user_id and t.context_id = v_context.id and t.status = 'needs_confirmation' and t.expires_at > v_at
  order by t.created_at desc limit 1;
  -- A yes is one to what was asked last, in words: by the answer of its run, or one that ends with it. Whoever names no conversation must
  -- not have been asked in two.
  if v_pending.id is not null and (p_turn ->> 'is_answer')::boolean then
    v_is_asked := (select case when m.run_id = v_pending.run_id then strpos(m.content, v_pending.summary) > 0
          else right(m.content, length(v_pending.summary)) = v_pending.summary end
        from chat_messages m
        where m.user_id = p_user_id and m.context_id = v_context.id and m.role = 'assistant' and m.source <> 'import' and m.seq < v_message.seq
        order by m.created_at desc, m.seq desc limit 1)
      and (v_context_id is not null or not exists (select from tool_calls t
        where t.user_id = p_user_id and t.context_id <> v_context.id and t.status = 'needs_confirmation' and t.expires_at > v_at));
  end if;
  -- An attempt before this one may have taken the word, and have died before it could say so.
  if v_is_rerun and (p_turn ->> 'is_answer')::boolean then
    select t.id, t.name, t.summary, t.run_id into v_taken from tool_calls t
    where t.user_id = p_user_id and t.context_id = v_context.id and t.run_id <> v_run.id and t.confirm_reason is not null
      and t.status <> 'needs_confirmation' and greatest(t.confirmed_at, t.finished_at) >= v_run.started_at
    order by greatest(t.confirmed_at, t.finished_at) desc limit 1;
    if found then
      v_pending := v_taken;
      v_is_asked := true;
    end if;
  end if;
  if v_is_rerun then
    v_ops := '[{"op": "abandon"}, {"op": "refund", "kinds": ["specialist", "embed"]}]';
    if v_run.judgement is null then
      v_ops := v_ops || '[{"op": "refund", "kinds": ["judge"]}]';
    end if;
  end if;
  if v_context_id is null and v_run.judgement is null and v_is_asked is not true then
    v_ops := v_ops || jsonb_build_array(p_turn -> 'judge');
  end if;
  if v_ops <> '[]' then
    v_results := app.apply_ledger(p_user_id, v_run.id, v_ops);
  end if;
  return app.turn_state('begun', v_run) || jsonb_build_object(
    'workspace_id', v_run.workspace_id, 'judgement', v_run.judgement,
    'message', jsonb_build_object('id', v_message.id, 'created_at', app.iso(v_message.created_at), 'seq', v_message.seq),
    'user', (select jsonb_build_object('name', u.name, 'locale', u.locale, 'time_zone', u.time_zone) from users u where u.id = p_user_id),
    'settings', jsonb_build_object('role_prompt_id', v_head.role_prompt_id, 'is_memory_enabled', v_head.is_memory_enabled),
    'context', app.context_brief(v_context), 'is_new_context', v_is_new_context,
    'others', (select coalesce(jsonb_agg(app.context_brief(c) order by c.last_message_at desc), '[]') from (
      select * from chat_contexts o where o.user_id = p_user_id and o.status = 'active' and o.id <> v_context.id
      order by o.last_message_at desc, o.id desc limit 20) c),
    'recent', app.recent_messages(p_user_id, v_context.id, v_context_id is null, v_message.created_at, v_message.seq, 50),
    'pending', case when v_pending.id is not null
      then jsonb_build_object('id', v_pending.id, 'name', v_pending.name, 'summary', v_pending.summary,
        'is_asked', coalesce(v_is_asked, false)) end,
    'judge', case when v_ops -> -1 ->> 'op' = 'begin' then v_results -> -1 end);
end $$;

-- The run, locked, while this attempt of this process still has it. The caller has the person's context.
create or replace function app.lock_turn(p_user_id uuid, p_run jsonb) returns app.agent_runs
language plpgsql set search_path = app, pg_temp as $$
declare
  v_run_id constant uuid := p_run ->> 'run_id';
  v_run agent_runs;
begin
  select * into v_run from agent_runs r where r.user_id = p_user_id and r.id = v_run_id for update;
  if v_run.status is distinct from 'running' or v_run.attempt <> (p_run ->> 'attempt')::int
    or v_run.lease_owner is distinct from (p_run ->> 'lease_owner')::uuid then
    perform app.fail('PT409', 'turn.superseded', 'Somebody else answers this message by now.');
  end if;
  return v_run;
end $$;

-- What was decided about a turn: its message goes to its context (p_decision: decision, context_id, title, confidence, by,
-- new_context_id, mentions, role_prompt_id, packing), and p_ops into the ledger. p_run: run_id, attempt, lease_owner. A context that is
-- gone meanwhile is not switched to.
create or replace function app.decide_turn(p_user_id uuid, p_run jsonb, p_decision jsonb, p_ops jsonb) returns jsonb
language plpgsql set search_path = app, pg_temp set plan_cache_mode = force_generic_plan as $$
declare
  v_at constant timestamptz := clock_timestamp();
  v_context_id constant uuid := p_decision ->> 'context_id';
  v_drop_id constant uuid := p_decision ->> 'drop_context_id';
  v_run agent_runs;
  v_message chat_messages;
  v_context chat_contexts;
  v_results jsonb := '[]';
begin
  perform app.set_user_context(p_user_id);
  perform app.lock_chat_head(p_user_id);
  v_run := app.lock_turn(p_user_id, p_run);
  select * into v_message from chat_messages m where m.user_id = p_user_id and m.id = v_run.user_message_id for no key update;
  if not found then
    perform app.fail('PT404', 'chat.message_not_found', 'The message is gone.');
  end if;
  if p_decision ->> 'decision' = 'switch' then
    select * into v_context from chat_contexts c where c.user_id = p_user_id and c.id = v_context_id;
  elsif p_decision ->> 'new_context_id' is not null then
    insert into chat_contexts as c (id, user_id, title, titled_by, created_at, updated_at, last_message_at)
    values ((p_decision ->> 'new_context_id')::uuid, p_user_id, p_decision ->> 'title', p_decision ->> 'titled_by', v_at, v_at, v_at)
    returning * into v_context;
  end if;
  if v_context.id is null then
    select * into v_context from chat_contexts c where c.user_id = p_user_id and c.id = v_message.context_id;
  end if;
  if v_message.context_id <> v_context.id or p_decision -> 'mentions' <> v_message.mentions then
    update chat_messages m set context_id = v_context.id, mentions = p_decision -> 'mentions' where m.user_id = p_user_id and m.id = v_message.id;
  end if;
  update chat_contexts c set last_message_at = greatest(c.last_message_at, v_message.created_at), status = 'active',
    title = case when (p_decision ->> 'is_titled')::boolean and c.titled_by <> 'user' then p_decision ->> 'title' else c.title end,
    titled_by = case when (p_decision ->> 'is_titled')::boolean and c.titled_by <> 'user' then p_decision ->> 'titled_by' else c.titled_by end,
    version = c.version + ((p_decision ->> 'is_titled')::boolean)::int
  where c.user_id = p_user_id and c.id = v_context.id returning * into v_context;
  update chat_heads h set active_context_id = v_context.id, updated_at = v_at
  where h.user_id = p_user_id and h.active_context_id is distinct from v_context.id;
  -- The one that was made for this message alone.
  if v_context.id <> v_drop_id then
    delete from chat_contexts c where c.user_id = p_user_id and c.id = v_drop_id
      and not exists (select from chat_messages m where m.user_id = p_user_id and m.context_id = c.id);
  end if;
  update agent_runs r set context_id = v_context.id, role_prompt_id = (p_decision ->> 'role_prompt_id')::uuid,
    packing = p_decision -> 'packing', judgement = jsonb_build_object('decision', p_decision ->> 'decision', 'context_id', v_context.id,
      'title', v_context.title, 'confidence', p_decision -> 'confidence', 'by', p_decision ->> 'by')
  where r.user_id = p_user_id and r.id = v_run.id returning * into v_run;
  if p_ops <> '[]' then
    v_results := app.apply_ledger(p_user_id, v_run.id, p_ops);
  end if;
  return jsonb_build_object('judgement', v_run.judgement, 'results', v_results);
end $$;

grant execute on function app.find_payer, app.context_brief, app.recent_messages, app.turn_state, app.begin_turn, app.lock_turn,
  app.decide_turn to app_user;
