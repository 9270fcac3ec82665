-- What a job does that acts for nobody. Definer: the functions of jobs call it, and no job may write anything else here.
create or replace function app.append_system_audit(p_reason text, p_workspace_id uuid, p_canvas_id uuid, p_action text,
  p_target_type text, p_target_id text, p_before jsonb, p_after jsonb, p_request_id text) returns void
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  insert into audit_logs (id, workspace_id, actor_type, reason, action, target_type, target_id, canvas_id, before, after, request_id)
  values (app.uuidv7(), p_workspace_id, 'system', p_reason, p_action, p_target_type, p_target_id, p_canvas_id, p_before, p_after, p_request_id);
end $$;

-- Who did it: a person, an API key by its name, or the system by what it did it for.
create or replace function app.audit_json(a app.audit_logs, p_kind text, p_name text) returns jsonb language sql stable parallel safe
  return jsonb_build_object('id', (a).id, 'created_at', app.iso((a).created_at),
    'actor', jsonb_build_object('type', case when (a).actor_type = 'system' then 'system' when p_kind = 'api_key' then 'api_key' else 'user' end,
      'user_id', (a).actor_user_id, 'name', case when (a).actor_type = 'system' then (a).reason else p_name end),
    'action', (a).action, 'target_type', (a).target_type, 'target_id', (a).target_id, 'canvas_id', (a).canvas_id,
    'before', (a).before, 'after', (a).after, 'request_id', (a).request_id);

-- The audit log of one workspace for its admins, newest first. p_filter: actor_user_id, action (the whole or how it begins),
-- target_type, target_id, canvas_id, from (inclusive), to (exclusive). The cursor is the last row read. Definer, since nobody reads
-- the table itself.
create or replace function app.list_audit_logs(p_user_id uuid, p_workspace_id uuid, p_filter jsonb,
  p_cursor_created_at timestamptz, p_cursor_id uuid, p_limit int)
returns table (entry jsonb, created_at timestamptz, id uuid)
-- A plan for each call: what is not asked for folds away, and what is left finds its index.
language plpgsql security definer set search_path = app, pg_temp set plan_cache_mode = force_custom_plan as $$
declare
  v_actor constant uuid := (p_filter ->> 'actor_user_id')::uuid;
  v_action constant text := replace(p_filter ->> 'action', '_', '\_') || '%';
  v_target_type constant text := p_filter ->> 'target_type';
  v_target_id constant text := p_filter ->> 'target_id';
  v_canvas_id constant uuid := (p_filter ->> 'canvas_id')::uuid;
  v_from constant timestamptz := coalesce((p_filter ->> 'from')::timestamptz, '-infinity');
  v_to constant timestamptz := coalesce((p_filter ->> 'to')::timestamptz, 'infinity');
  v_cursor_at timestamptz := coalesce(p_cursor_created_at, 'infinity');
  v_cursor_id uuid := coalesce(p_cursor_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff');
  -- Most rows, and all of one action on one type of target: whoever asks for others reads an index without them.
  v_block_edits constant boolean :=
    (v_action is null or 'block.mutate' like v_action) and (v_target_type is null or v_target_type = 'canvas');
begin
  perform app.set_tenant_context(p_user_id, p_workspace_id, 'admin');
  -- One upper bound, where the index can begin; of two it would take the cursor's and skip rows to the other.
  if v_to <= v_cursor_at then
    v_cursor_at := v_to;
    v_cursor_id := '00000000-0000-0000-0000-000000000000';
  end if;
  return query
    select app.audit_json(a, u.kind, u.name), a.created_at, a.id
    from (
      select * from audit_logs a
      where a.workspace_id = p_workspace_id and (a.created_at, a.id) < (v_cursor_at, v_cursor_id)
        and a.created_at >= v_from
        and (v_actor is null or a.actor_user_id = v_actor)
        and (v_action is null or a.action like v_action)
        and (v_block_edits or a.action <> 'block.mutate')
        and (v_target_type is null or a.target_type = v_target_type)
        and (v_target_id is null or a.target_id = v_target_id)
        and (v_canvas_id is null or a.canvas_id = v_canvas_id)
      order by a.created_at desc, a.id desc limit least(greatest(p_limit, 1), 1001)
    ) a left join users u on u.id = a.actor_user_id
    order by a.created_at desc, a.id desc;
end $$;

grant execute on function app.append_system_audit to job_user;
grant execute on function app.list_audit_logs to app_user;
