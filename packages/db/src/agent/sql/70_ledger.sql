-- What one workspace may spend: its own quota, else the service's default, which the caller passes. Null: no bound.
create or replace function app.quota_of(p_workspace_id uuid, p_defaults jsonb,
  out tokens_per_day bigint, out cost_micros_per_month bigint)
language plpgsql stable set search_path = app, pg_temp as $$
begin
  select q.tokens_per_day, q.cost_micros_per_month into tokens_per_day, cost_micros_per_month
  from usage_quotas q where q.workspace_id = p_workspace_id;
  tokens_per_day := coalesce(tokens_per_day, (p_defaults ->> 'tokens_per_day')::bigint);
  cost_micros_per_month := coalesce(cost_micros_per_month, (p_defaults ->> 'cost_micros_per_month')::bigint);
end $$;

-- Holds what a step may take at most. The row of the day is the lock: of two who ask for the last of a quota one gets it.
-- reset_at: when there is room again at the latest; null when granted.
create or replace function app.reserve_usage(p_workspace_id uuid, p_tokens bigint, p_cost_micros bigint, p_share numeric, p_defaults jsonb,
  out granted boolean, out reason text, out reset_at timestamptz)
language plpgsql set search_path = app, pg_temp as $$
declare
  v_day constant date := (now() at time zone 'UTC')::date;
  v_month constant date := date_trunc('month', v_day)::date;
  v_quota record;
  v_today usage_budgets;
  v_month_cost bigint;
begin
  insert into usage_budgets as b (workspace_id, day, reserved_tokens, reserved_cost_micros)
  values (p_workspace_id, v_day, p_tokens, p_cost_micros)
  on conflict (workspace_id, day) do update set reserved_tokens = b.reserved_tokens + excluded.reserved_tokens,
    reserved_cost_micros = b.reserved_cost_micros + excluded.reserved_cost_micros
  returning b.* into v_today;
  select * into v_quota from app.quota_of(p_workspace_id, p_defaults);
  if v_today.used_tokens + v_today.reserved_tokens > floor(v_quota.tokens_per_day * p_share) then
    reason := 'tokens_per_day';
    reset_at := (v_day + 1)::timestamp at time zone 'UTC';
  end if;
  if v_quota.cost_micros_per_month is not null then
    select sum(b.used_cost_micros + b.reserved_cost_micros) into v_month_cost
    from usage_budgets b where b.workspace_id = p_workspace_id and b.day between v_month and v_day;
    if v_month_cost > floor(v_quota.cost_micros_per_month * p_share) then
      reason := 'cost_per_month';
      reset_at := (v_month + interval '1 month')::timestamp at time zone 'UTC';
    end if;
  end if;
  granted := reason is null;
  if not granted then
    update usage_budgets b set reserved_tokens = b.reserved_tokens - p_tokens, reserved_cost_micros = b.reserved_cost_micros - p_cost_micros
    where b.workspace_id = p_workspace_id and b.day = v_day;
  end if;
end $$;

create or replace function app.begin_step(p_user_id uuid, p_workspace_id uuid, p_run_id uuid, p_attempt int, p_op jsonb) returns jsonb
language plpgsql set search_path = app, pg_temp as $$
declare
  v_tokens constant bigint := coalesce((p_op ->> 'tokens')::bigint, 0);
  v_cost constant bigint := coalesce((p_op ->> 'cost_micros')::bigint, 0);
  v_step_id constant uuid := (p_op ->> 'step_id')::uuid;
  v_held record;
begin
  -- Asked again after an answer that was lost: it is held already.
  if exists (select from agent_steps s where s.id = v_step_id) then
    return (select jsonb_build_object('step_id', s.id, 'granted', s.outcome <> 'skipped', 'reason', s.error_code, 'reset_at', null)
      from agent_steps s where s.id = v_step_id and s.user_id = p_user_id);
  end if;
  select * into v_held from app.reserve_usage(p_workspace_id, v_tokens, v_cost, coalesce((p_op ->> 'share')::numeric, 1), p_op -> 'limits');
  insert into agent_steps (id, user_id, workspace_id, run_id, attempt, kind, provider, model, input_hash, outcome, reserved_tokens,
    reserved_cost_micros, error_code, finished_at)
  values (v_step_id, p_user_id, p_workspace_id, p_run_id, p_attempt, p_op ->> 'kind', p_op ->> 'provider', p_op ->> 'model',
    p_op ->> 'input_hash', case when v_held.granted then 'running' else 'skipped' end,
    case when v_held.granted then v_tokens else 0 end, case when v_held.granted then v_cost else 0 end,
    case when not v_held.granted then 'usage.quota_exceeded' end, case when not v_held.granted then now() end);
  return jsonb_build_object('step_id', v_step_id, 'granted', v_held.granted, 'reason', v_held.reason, 'reset_at', app.iso(v_held.reset_at));
end $$;

-- What a step took, into the ledger, the day's metrics and its budget, once: a step that is settled stays as it is. In this order,
-- so that two who settle for one workspace never wait for each other.
create or replace function app.settle_step(p_user_id uuid, p_step_id uuid, p_op jsonb) returns jsonb
language plpgsql set search_path = app, pg_temp as $$
declare
  v_step agent_steps;
begin
  update agent_steps s set outcome = p_op ->> 'outcome', model = coalesce(p_op ->> 'model', s.model),
    input_hash = coalesce(p_op ->> 'input_hash', s.input_hash),
    prompt_tokens = coalesce((p_op ->> 'prompt_tokens')::bigint, 0), output_tokens = coalesce((p_op ->> 'output_tokens')::bigint, 0),
    thought_tokens = coalesce((p_op ->> 'thought_tokens')::bigint, 0), cached_tokens = coalesce((p_op ->> 'cached_tokens')::bigint, 0),
    cost_micros = coalesce((p_op ->> 'cost_micros')::bigint, 0), calls = coalesce((p_op ->> 'calls')::int, 0),
    latency_ms = coalesce((p_op ->> 'latency_ms')::int, 0), error_code = p_op ->> 'error_code', finished_at = clock_timestamp()
  where s.id = p_step_id and s.user_id = p_user_id and s.outcome = 'running'
  returning s.* into v_step;
  if not found or not exists (select from workspaces w where w.id = v_step.workspace_id) then
    return jsonb_build_object('step_id', p_step_id, 'settled', v_step.id is not null);
  end if;
  update usage_budgets b set reserved_tokens = b.reserved_tokens - v_step.reserved_tokens,
    reserved_cost_micros = b.reserved_cost_micros - v_step.reserved_cost_micros,
    used_tokens = b.used_tokens + v_step.prompt_tokens + v_step.output_tokens + v_step.thought_tokens,
    used_cost_micros = b.used_cost_micros + v_step.cost_micros
  where b.workspace_id = v_step.workspace_id and b.day = v_step.day;
  insert into usage_metrics as m (workspace_id, day, kind, provider, model, steps, failures, calls, prompt_tokens, output_tokens,
    thought_tokens, cached_tokens, cost_micros, latency_ms)
  values (v_step.workspace_id, v_step.day, v_step.kind, v_step.provider, v_step.model, 1, (v_step.outcome <> 'done')::int, v_step.calls,
    v_step.prompt_tokens, v_step.output_tokens, v_step.thought_tokens, v_step.cached_tokens, v_step.cost_micros, v_step.latency_ms)
  on conflict (workspace_id, day, kind, provider, model) do update set steps = m.steps + 1, failures = m.failures + excluded.failures,
    calls = m.calls + excluded.calls, prompt_tokens = m.prompt_tokens + excluded.prompt_tokens,
    output_tokens = m.output_tokens + excluded.output_tokens, thought_tokens = m.thought_tokens + excluded.thought_tokens,
    cached_tokens = m.cached_tokens + excluded.cached_tokens, cost_micros = m.cost_micros + excluded.cost_micros,
    latency_ms = m.latency_ms + excluded.latency_ms;
  return jsonb_build_object('step_id', p_step_id, 'settled', true);
end $$;

-- Gives back what a step took that counts no more: another attempt does its work again, and a turn is paid once.
create or replace function app.refund_step(p_user_id uuid, p_step_id uuid) returns void
language plpgsql set search_path = app, pg_temp as $$
declare
  v_step agent_steps;
begin
  select * into v_step from agent_steps s where s.id = p_step_id and s.user_id = p_user_id for update;
  update agent_steps s set outcome = 'abandoned', error_code = coalesce(s.error_code, 'agent.interrupted'), prompt_tokens = 0, output_tokens = 0,
    thought_tokens = 0, cached_tokens = 0, cost_micros = 0
  where s.id = p_step_id;
  update usage_budgets b set used_tokens = b.used_tokens - (v_step.prompt_tokens + v_step.output_tokens + v_step.thought_tokens),
    used_cost_micros = b.used_cost_micros - v_step.cost_micros
  where b.workspace_id = v_step.workspace_id and b.day = v_step.day;
  update usage_metrics m set failures = m.failures + (v_step.outcome = 'done')::int, prompt_tokens = m.prompt_tokens - v_step.prompt_tokens,
    output_tokens = m.output_tokens - v_step.output_tokens, thought_tokens = m.thought_tokens - v_step.thought_tokens,
    cached_tokens = m.cached_tokens - v_step.cached_tokens, cost_micros = m.cost_micros - v_step.cost_micros
  where m.workspace_id = v_step.workspace_id and m.day = v_step.day and m.kind = v_step.kind and m.provider = v_step.provider
    and m.model = v_step.model;
end $$;

create or replace function app.add_context_items(p_user_id uuid, p_run_id uuid, p_op jsonb) returns jsonb
language plpgsql set search_path = app, pg_temp as $$
begin
  insert into context_items (user_id, run_id, step_id, ordinal, kind, item_id, leg, score, tokens, is_included, citation)
  select p_user_id, p_run_id, (p_op ->> 'step_id')::uuid, i.ordinality, i.value ->> 'kind', (i.value ->> 'item_id')::uuid, i.value ->> 'leg',
    (i.value ->> 'score')::real, (i.value ->> 'tokens')::int, (i.value ->> 'is_included')::boolean, (i.value ->> 'citation')::int
  from jsonb_array_elements(p_op -> 'items') with ordinality i
  on conflict do nothing;
  return jsonb_build_object('items', jsonb_array_length(p_op -> 'items'));
end $$;

create or replace function app.apply_op(p_user_id uuid, p_workspace_id uuid, p_run_id uuid, p_attempt int, p_op jsonb) returns jsonb
language plpgsql set search_path = app, pg_temp as $$
declare
  v_step_id uuid;
begin
  case p_op ->> 'op'
    when 'begin' then
      return app.begin_step(p_user_id, p_workspace_id, p_run_id, p_attempt, p_op);
    when 'settle' then
      return app.settle_step(p_user_id, (p_op ->> 'step_id')::uuid, p_op);
    when 'items' then
      return app.add_context_items(p_user_id, p_run_id, p_op);
    when 'abandon' then
      for v_step_id in select s.id from agent_steps s where s.user_id = p_user_id and s.run_id = p_run_id and s.outcome = 'running' order by s.id
      loop
        perform app.settle_step(p_user_id, v_step_id, '{"outcome": "abandoned", "error_code": "agent.interrupted"}');
      end loop;
      return '{}';
    when 'refund' then
      for v_step_id in select s.id from agent_steps s
        where s.user_id = p_user_id and s.run_id = p_run_id and s.attempt < p_attempt and s.outcome in ('done', 'failed', 'cancelled')
          and s.kind in (select jsonb_array_elements_text(p_op -> 'kinds')) order by s.id
      loop
        perform app.refund_step(p_user_id, v_step_id);
      end loop;
      return '{}';
  end case;
end $$;

-- Changes the ledger of one run of the person's: p_ops are begin, settle, items, abandon and refund, in order; one result each. The last
-- thing in a transaction: the budget of the day is locked until it ends.
create or replace function app.apply_ledger(p_user_id uuid, p_run_id uuid, p_ops jsonb) returns jsonb
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_workspace_id uuid;
  v_attempt int;
  v_op jsonb;
  v_results jsonb := '[]';
begin
  -- The run before the budget, as everybody takes them: a step's foreign key would ask for the run when the budget is held already.
  select r.workspace_id, r.attempt into v_workspace_id, v_attempt from agent_runs r where r.user_id = p_user_id and r.id = p_run_id
  for key share;
  if not found then
    perform app.fail('PT404', 'agent.run_not_found', 'There is no such run.');
  end if;
  for v_op in select value from jsonb_array_elements(p_ops) loop
    v_results := v_results || jsonb_build_array(app.apply_op(p_user_id, v_workspace_id, p_run_id, v_attempt, v_op));
  end loop;
  return v_results;
end $$;

-- The same for work that belongs to no run (embeddings): begin and settle. p_user_id null: the workspace's owner.
create or replace function app.apply_usage(p_user_id uuid, p_workspace_id uuid, p_ops jsonb) returns jsonb
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_user_id uuid := p_user_id;
  v_op jsonb;
  v_results jsonb := '[]';
begin
  if v_user_id is null then
    select w.owner_user_id into v_user_id from workspaces w where w.id = p_workspace_id;
  end if;
  if v_user_id is null then
    perform app.fail('PT404', 'workspace.not_found', 'There is no such workspace.');
  end if;
  for v_op in select value from jsonb_array_elements(p_ops) loop
    v_results := v_results || jsonb_build_array(app.apply_op(v_user_id, p_workspace_id, null, 1, v_op));
  end loop;
  return v_results;
end $$;

grant execute on function app.apply_ledger to app_user, job_user;
grant execute on function app.apply_usage to job_user;
