-- A canvas with the live blocks of another, under fresh ids, in the same workspace; for its members, of what they may see. Its
-- events tell each block as created, in as many events as 3 MiB each needs: so they are history as elsewhere. The source is read
-- in one statement and not locked. p_title null: the source's, marked as a copy.
create or replace function app.duplicate_canvas(
  p_user_id uuid, p_canvas_id uuid, p_copy_id uuid, p_title text, p_request_id text) returns jsonb
language plpgsql set search_path = app, pg_temp as $$
declare
  v_max constant int := 20000;
  v_workspace_id constant uuid := (app.set_canvas_context(p_user_id, p_canvas_id, 'viewer')).workspace_id;
  v_role constant text := app.set_member_context(p_user_id, v_workspace_id);
  v_at constant timestamptz := clock_timestamp();
  v_source canvases;
  v_canvas canvases;
  v_count int;
  v_attachment_ids uuid[];
begin
  select * into v_source from canvases c where c.workspace_id = v_workspace_id and c.id = p_canvas_id;
  insert into canvases (id, workspace_id, title, icon, created_by, created_at, updated_at)
  values (p_copy_id, v_workspace_id, coalesce(p_title, left(v_source.title, 193) || ' (copy)'), v_source.icon, p_user_id, v_at, v_at)
  returning * into v_canvas;
  insert into canvas_heads (canvas_id, workspace_id) values (p_copy_id, v_workspace_id);
  perform from blocks b
  where b.workspace_id = v_workspace_id and b.canvas_id = p_canvas_id and b.deleted_at is null offset v_max limit 1;
  if found then
    perform app.fail('PT409', 'canvas.too_large', format('A canvas of more than %s blocks cannot be duplicated.', v_max));
  end if;
  v_count := app.copy_all_blocks(p_user_id, v_workspace_id, p_canvas_id, p_copy_id, v_at);
  perform app.tell_blocks(p_user_id, v_workspace_id, p_copy_id, p_request_id, v_at);
  perform app.queue_needed_rebalance(v_workspace_id, p_copy_id, p_request_id);
  select array_agg(distinct (b.content ->> 'attachment_id')::uuid) into v_attachment_ids from blocks b
  where b.workspace_id = v_workspace_id and b.canvas_id = p_copy_id and app.is_uuid(b.content ->> 'attachment_id');
  if v_attachment_ids is not null then
    perform app.copy_attachments(p_user_id, p_canvas_id, p_copy_id, v_attachment_ids);
  end if;
  perform app.append_audit(p_user_id, v_workspace_id, p_copy_id, 'canvas.duplicate', 'canvas', p_copy_id::text, null,
    jsonb_build_object('title', v_canvas.title, 'from_canvas_id', p_canvas_id, 'blocks', v_count), p_request_id);
  return app.canvas_json(v_canvas, app.is_personal(v_workspace_id))
    || jsonb_build_object('role', app.rank_role(app.workspace_role_rank(v_role)));
end $$;

create or replace function app.copy_all_blocks(p_user_id uuid, p_workspace_id uuid, p_canvas_id uuid, p_copy_id uuid, p_at timestamptz)
returns int language plpgsql set search_path = app, pg_temp
  -- Blocks meet their parents in a hash table: of the rows that a CTE holds the planner knows nothing, and would take each for all.
  set enable_nestloop = off as $$
declare
  v_count int;
begin
  with named as materialized (
    select b.*, app.uuidv7() as copy_id from blocks b
    where b.workspace_id = p_workspace_id and b.canvas_id = p_canvas_id and b.deleted_at is null
  )
  insert into blocks (workspace_id, canvas_id, id, parent_id, type, content, rank, created_by, updated_by, created_at, updated_at)
  select p_workspace_id, p_copy_id, n.copy_id, p.copy_id, n.type, n.content, n.rank, p_user_id, p_user_id, p_at, p_at
  from named n left join named p on p.id = n.parent_id;
  get diagnostics v_count = row_count;
  return v_count;
end $$;

-- Tenant context of somebody who sees something of the workspace: who is no member may not, instead of not finding it.
create or replace function app.set_member_context(p_user_id uuid, p_workspace_id uuid) returns text
language plpgsql set search_path = app, pg_temp as $$
begin
  return app.set_tenant_context(p_user_id, p_workspace_id, 'member');
exception when sqlstate 'PT404' then
  perform app.fail('PT403', 'workspace.forbidden', 'Only members of the workspace may do this.', '{"needed_role": "member"}');
end $$;

-- The first events of a canvas that nobody has joined yet: every block that stands on it, as created.
create or replace function app.tell_blocks(
  p_user_id uuid, p_workspace_id uuid, p_canvas_id uuid, p_request_id text, p_at timestamptz) returns void
language plpgsql set search_path = app, pg_temp as $$
begin
  with told as materialized (
    select s.id, s.version, s.json, 1 + sum(octet_length(s.json) + 30) over (order by s.id) / (3 * 1024 * 1024) as seq
    from (
      select b.id, b.version, app.block_json(b) as json from blocks b where b.workspace_id = p_workspace_id and b.canvas_id = p_canvas_id
    ) s
  ), versions as (
    insert into block_versions (workspace_id, canvas_id, block_id, version, seq, op)
    select p_workspace_id, p_canvas_id, t.id, t.version, t.seq, 'copy' from told t
  ), events as (
    insert into canvas_events (workspace_id, canvas_id, seq, type, actor_user_id, request_id, payload, created_at)
    select p_workspace_id, p_canvas_id, t.seq, 'blocks.mutated', p_user_id, coalesce(p_request_id, ''),
      concat('{"ops":[', string_agg('{"op":"create","block":' || t.json || '}', ',' order by t.id), ']}')::json, p_at
    from told t group by t.seq
    returning seq
  )
  update canvas_heads h set seq = (select coalesce(max(e.seq), 0) from events e)
  where h.workspace_id = p_workspace_id and h.canvas_id = p_canvas_id;
end $$;

grant execute on function app.duplicate_canvas, app.copy_all_blocks, app.set_member_context, app.tell_blocks to app_user;
