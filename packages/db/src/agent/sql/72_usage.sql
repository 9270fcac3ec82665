-- What all steps of a run took; of its turn alone without the assessor, who comes later.
create or replace function app.run_usage(p_user_id uuid, p_run_id uuid, p_with_assess boolean) returns jsonb
language plpgsql stable set search_path = app, pg_temp set plan_cache_mode = force_generic_plan as $$
begin
  return (select jsonb_build_object('prompt_tokens', coalesce(sum(s.prompt_tokens), 0), 'output_tokens', coalesce(sum(s.output_tokens), 0),
    'thought_tokens', coalesce(sum(s.thought_tokens), 0), 'cached_tokens', coalesce(sum(s.cached_tokens), 0),
    'cost_micros', coalesce(sum(s.cost_micros), 0))
    from agent_steps s where s.user_id = p_user_id and s.run_id = p_run_id and (p_with_assess or s.kind <> 'assess'));
end $$;

create or replace function app.run_json(r app.agent_runs) returns jsonb
language plpgsql stable set search_path = app, pg_temp as $$
begin
  return jsonb_build_object('id', r.id, 'workspace_id', r.workspace_id, 'context_id', r.context_id, 'source', r.source, 'status', r.status,
    'attempt', r.attempt, 'user_message_id', r.user_message_id, 'answer_message_id', r.answer_message_id, 'judgement', r.judgement,
    'role_prompt_id', r.role_prompt_id, 'packing', r.packing, 'finish_reason', r.finish_reason, 'error_code', r.error_code,
    'error_detail', r.error_detail, 'request_id', r.request_id, 'started_at', app.iso(r.started_at),
    'first_token_at', app.iso(r.first_token_at), 'finished_at', app.iso(r.finished_at), 'usage', app.run_usage(r.user_id, r.id, true));
end $$;

-- The person's runs, the newest first. The cursor is the last row read.
create or replace function app.list_runs(p_user_id uuid, p_context_id uuid, p_status text, p_cursor_started_at timestamptz, p_cursor_id uuid, p_limit int)
returns table (run jsonb, started_at timestamptz, id uuid)
language plpgsql set search_path = app, pg_temp as $$
begin
  perform app.set_user_context(p_user_id);
  return query
    select app.run_json(r), r.started_at, r.id from agent_runs r
    where r.user_id = p_user_id and (p_context_id is null or r.context_id = p_context_id) and (p_status is null or r.status = p_status)
      and (r.started_at, r.id) < (coalesce(p_cursor_started_at, 'infinity'), coalesce(p_cursor_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
    order by r.started_at desc, r.id desc limit least(greatest(p_limit, 1), 1001);
end $$;

-- One run with its steps, tool calls, and what stood in its prompts: why it said what it said, and what that cost.
create or replace function app.get_run(p_user_id uuid, p_run_id uuid) returns jsonb
language plpgsql set search_path = app, pg_temp as $$
declare
  v_run agent_runs;
begin
  perform app.set_user_context(p_user_id);
  select r.* into v_run from agent_runs r where r.user_id = p_user_id and r.id = p_run_id;
  if not found then
    perform app.fail('PT404', 'agent.run_not_found', 'There is no such run.');
  end if;
  return app.run_json(v_run) || jsonb_build_object(
    'steps', (select coalesce(jsonb_agg(jsonb_build_object('id', s.id, 'attempt', s.attempt, 'kind', s.kind, 'provider', s.provider,
        'model', s.model, 'input_hash', s.input_hash, 'outcome', s.outcome, 'prompt_tokens', s.prompt_tokens, 'output_tokens', s.output_tokens,
        'thought_tokens', s.thought_tokens, 'cached_tokens', s.cached_tokens, 'cost_micros', s.cost_micros, 'calls', s.calls,
        'latency_ms', s.latency_ms, 'error_code', s.error_code, 'started_at', app.iso(s.started_at), 'finished_at', app.iso(s.finished_at))
        order by s.started_at, s.id), '[]')
      from agent_steps s where s.user_id = p_user_id and s.run_id = p_run_id),
    'tool_calls', (select coalesce(jsonb_agg(jsonb_build_object('id', t.id, 'step_id', t.step_id, 'name', t.name, 'arguments', t.arguments,
        'summary', t.summary, 'status', t.status, 'result', t.result, 'error_code', t.error_code, 'latency_ms', t.latency_ms,
        'created_at', app.iso(t.created_at), 'finished_at', app.iso(t.finished_at)) order by t.created_at, t.id), '[]')
      from tool_calls t where t.user_id = p_user_id and t.run_id = p_run_id),
    'context_items', (select coalesce(jsonb_agg(jsonb_build_object('step_id', i.step_id, 'kind', i.kind, 'item_id', i.item_id, 'leg', i.leg,
        'score', i.score, 'tokens', i.tokens, 'is_included', i.is_included, 'citation', i.citation) order by i.step_id, i.ordinal), '[]')
      from context_items i where i.user_id = p_user_id and i.run_id = p_run_id));
end $$;

-- What a workspace used, by day, kind of step and model, and how that stands to its quota. p_until is exclusive. For admins; of the
-- personal workspace that is its owner.
create or replace function app.get_usage(p_user_id uuid, p_workspace_id uuid, p_from date, p_until date, p_defaults jsonb) returns jsonb
language plpgsql set search_path = app, pg_temp as $$
declare
  v_today constant date := (now() at time zone 'UTC')::date;
  v_month constant date := date_trunc('month', v_today)::date;
  v_workspace_id uuid := p_workspace_id;
  v_quota record;
begin
  if v_workspace_id is null then
    v_workspace_id := (app.get_me(p_user_id) ->> 'personal_workspace_id')::uuid;
  end if;
  perform app.set_tenant_context(p_user_id, v_workspace_id, 'admin');
  select * into v_quota from app.quota_of(v_workspace_id, p_defaults);
  return jsonb_build_object('workspace_id', v_workspace_id, 'from', p_from, 'until', p_until,
    'quota', (select jsonb_build_object('tokens_per_day', v_quota.tokens_per_day, 'cost_micros_per_month', v_quota.cost_micros_per_month,
        'tokens_today', coalesce(sum(b.used_tokens) filter (where b.day = v_today), 0),
        'tokens_reserved', coalesce(sum(b.reserved_tokens) filter (where b.day = v_today), 0),
        'cost_micros_this_month', coalesce(sum(b.used_cost_micros), 0),
        'day_resets_at', app.iso((v_today + 1)::timestamp at time zone 'UTC'),
        'month_resets_at', app.iso((v_month + interval '1 month')::timestamp at time zone 'UTC'))
      from usage_budgets b where b.workspace_id = v_workspace_id and b.day between v_month and v_today),
    'items', (select coalesce(jsonb_agg(jsonb_build_object('day', m.day, 'kind', m.kind, 'provider', m.provider, 'model', m.model, 'steps', m.steps,
        'failures', m.failures, 'calls', m.calls, 'prompt_tokens', m.prompt_tokens, 'output_tokens', m.output_tokens,
        'thought_tokens', m.thought_tokens, 'cached_tokens', m.cached_tokens, 'cost_micros', m.cost_micros, 'latency_ms', m.latency_ms)
        order by m.day, m.kind, m.provider, m.model), '[]')
      from usage_metrics m where m.workspace_id = v_workspace_id and m.day >= p_from and m.day < p_until));
end $$;

grant execute on function app.quota_of, app.run_usage, app.run_json, app.list_runs, app.get_run, app.get_usage to app_user;
