create or replace function app.personal_workspace(p_user_id uuid) returns uuid
language plpgsql stable security definer set search_path = app, pg_temp as $$
begin
  return (select w.id from workspaces w where w.owner_user_id = p_user_id and w.is_personal and w.deleted_at is null);
end $$;

-- p_workspace_id null: the personal space.
create or replace function app.create_canvas(
  p_user_id uuid, p_canvas_id uuid, p_workspace_id uuid, p_title text, p_icon text, p_request_id text) returns jsonb
language plpgsql set search_path = app, pg_temp as $$
declare
  v_workspace_id constant uuid := coalesce(p_workspace_id, app.personal_workspace(p_user_id));
  v_role text;
  v_canvas canvases;
begin
  if v_workspace_id is null then
    perform app.fail('PT400', 'request.invalid', 'Required: an API key has no personal space.', '{"pointer": "/workspace_id"}');
  end if;
  v_role := app.set_tenant_context(p_user_id, v_workspace_id, 'member');
  insert into canvases (id, workspace_id, title, icon, created_by)
  values (p_canvas_id, v_workspace_id, p_title, p_icon, p_user_id)
  returning * into v_canvas;
  insert into canvas_heads (canvas_id, workspace_id) values (p_canvas_id, v_workspace_id);
  perform app.append_audit(p_user_id, v_workspace_id, p_canvas_id, 'canvas.create', 'canvas', p_canvas_id::text,
    null, jsonb_build_object('title', p_title, 'icon', p_icon), p_request_id);
  return app.canvas_json(v_canvas, app.is_personal(v_workspace_id))
    || jsonb_build_object('role', app.rank_role(app.workspace_role_rank(v_role)));
end $$;

-- Every canvas that the person may see, in all workspaces, last changed first. The cursor is the last row read.
create or replace function app.list_canvases(
  p_user_id uuid, p_include_archived boolean, p_cursor_updated_at timestamptz, p_cursor_id uuid, p_limit int)
returns table (canvas jsonb) language plpgsql stable security definer set search_path = app, pg_temp
  set plan_cache_mode = force_generic_plan as $$
declare
  v_limit constant int := least(greatest(p_limit, 1), 501);
  v_updated_at constant timestamptz := coalesce(p_cursor_updated_at, 'infinity');
  v_id constant uuid := coalesce(p_cursor_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff');
begin
  return query
    with homes as (
      select w.id, w.is_personal, 5 as rank from workspaces w where w.owner_user_id = p_user_id and w.deleted_at is null
      union all
      select w.id, w.is_personal, app.workspace_role_rank(m.role)
      from workspace_members m
      join workspaces w on w.id = m.workspace_id and w.deleted_at is null and w.owner_user_id <> p_user_id
      where m.user_id = p_user_id and m.role <> 'guest'
    ), found as (
      -- The newest of each workspace by its index, so that a big one is not read whole.
      select c.id, h.rank from homes h cross join lateral (
        select c.id from canvases c
        where c.workspace_id = h.id and (c.updated_at, c.id) < (v_updated_at, v_id) and (p_include_archived or c.archived_at is null)
        order by c.updated_at desc, c.id desc limit v_limit
      ) c
      union all
      select a.canvas_id, app.role_rank(a.role) from canvas_access a where a.user_id = p_user_id
    )
    select app.canvas_json(c, w.is_personal) || jsonb_build_object('role', app.rank_role(f.rank))
    from (select f.id, max(f.rank) as rank from found f group by f.id) f
    join canvases c on c.id = f.id
    join workspaces w on w.id = c.workspace_id and w.deleted_at is null
    where (c.updated_at, c.id) < (v_updated_at, v_id) and (p_include_archived or c.archived_at is null)
    order by c.updated_at desc, c.id desc limit v_limit;
end $$;

-- The event and the audit row of a change to the canvas itself. The caller holds the lock and has made the change.
create or replace function app.record_canvas_change(p_user_id uuid, p_canvas app.canvases, p_event text, p_action text,
  p_before jsonb, p_after jsonb, p_request_id text, out seq bigint, out frame text)
language plpgsql set search_path = app, pg_temp as $$
begin
  select e.seq, e.frame into seq, frame from app.append_canvas_event(p_user_id, p_canvas.workspace_id, p_canvas.id, p_event,
    null, null, p_request_id,
    json_build_object('canvas', app.canvas_json(p_canvas, app.is_personal(p_canvas.workspace_id))), p_canvas.updated_at) e;
  perform app.append_audit(p_user_id, p_canvas.workspace_id, p_canvas.id, p_action, 'canvas', p_canvas.id::text,
    p_before, p_after, p_request_id);
end $$;

-- For whoever changes only what they saw. The caller holds the lock and has checked the role. Null: any version.
create or replace function app.check_canvas_version(p_canvas app.canvases, p_expected_version int, p_role text)
returns void language plpgsql set search_path = app, pg_temp as $$
begin
  if p_expected_version <> p_canvas.version then
    perform app.fail('PT412', 'canvas.version_conflict', 'The canvas was changed meanwhile.', jsonb_build_object('current',
      app.canvas_json(p_canvas, app.is_personal(p_canvas.workspace_id)) || jsonb_build_object('role', p_role)));
  end if;
end $$;

-- Only title and icon. p_expected_version null: whatever it is now.
create or replace function app.update_canvas_meta(
  p_user_id uuid, p_canvas_id uuid, p_expected_version int, p_patch jsonb, p_request_id text,
  out canvas jsonb, out seq bigint, out frame text)
language plpgsql set search_path = app, pg_temp as $$
declare
  v_head record;
  v_before canvases;
  v_after canvases;
  v_field text;
begin
  v_head := app.lock_canvas(p_user_id, p_canvas_id, 'editor');
  for v_field in select jsonb_object_keys(p_patch) loop
    if v_field not in ('title', 'icon') then
      perform app.fail('PT400', 'canvas.field_unknown', 'Only title and icon can be changed.', jsonb_build_object('pointer', '/' || v_field));
    end if;
  end loop;
  select * into v_before from canvases c where c.workspace_id = v_head.workspace_id and c.id = p_canvas_id;
  perform app.check_canvas_version(v_before, p_expected_version, v_head.role);
  perform app.check_not_archived(v_head.workspace_id, p_canvas_id);
  update canvases c
  set title = coalesce(p_patch ->> 'title', c.title), icon = case when p_patch ? 'icon' then p_patch ->> 'icon' else c.icon end,
    version = c.version + 1, updated_at = clock_timestamp()
  where c.workspace_id = v_head.workspace_id and c.id = p_canvas_id
  returning * into v_after;
  select r.seq, r.frame into seq, frame from app.record_canvas_change(p_user_id, v_after, 'canvas.meta_changed', 'canvas.update',
    jsonb_build_object('title', v_before.title, 'icon', v_before.icon), jsonb_build_object('title', v_after.title, 'icon', v_after.icon),
    p_request_id) r;
  canvas := app.canvas_json(v_after, app.is_personal(v_head.workspace_id)) || jsonb_build_object('role', v_head.role);
end $$;

-- Twice is once: then there is no event.
create or replace function app.set_canvas_archived(p_user_id uuid, p_canvas_id uuid, p_archived boolean, p_request_id text,
  p_expected_version int default null, out canvas jsonb, out seq bigint, out frame text)
language plpgsql set search_path = app, pg_temp as $$
declare
  v_head record;
  v_canvas canvases;
  v_before jsonb;
begin
  v_head := app.lock_canvas(p_user_id, p_canvas_id, 'admin');
  select * into v_canvas from canvases c where c.workspace_id = v_head.workspace_id and c.id = p_canvas_id;
  perform app.check_canvas_version(v_canvas, p_expected_version, v_head.role);
  v_before := jsonb_build_object('archived_at', app.iso(v_canvas.archived_at));
  if (v_canvas.archived_at is not null) <> p_archived then
    update canvases c
    set archived_at = case when p_archived then clock_timestamp() end, version = c.version + 1, updated_at = clock_timestamp()
    where c.workspace_id = v_head.workspace_id and c.id = p_canvas_id
    returning * into v_canvas;
    select r.seq, r.frame into seq, frame from app.record_canvas_change(p_user_id, v_canvas,
      case when p_archived then 'canvas.archived' else 'canvas.restored' end,
      case when p_archived then 'canvas.archive' else 'canvas.restore' end,
      v_before, jsonb_build_object('archived_at', app.iso(v_canvas.archived_at)), p_request_id) r;
  end if;
  canvas := app.canvas_json(v_canvas, app.is_personal(v_head.workspace_id)) || jsonb_build_object('role', v_head.role);
end $$;

create or replace function app.archive_canvas(p_user_id uuid, p_canvas_id uuid, p_request_id text,
  p_expected_version int default null, out canvas jsonb, out seq bigint, out frame text)
language plpgsql set search_path = app, pg_temp as $$
begin
  select a.canvas, a.seq, a.frame into canvas, seq, frame
  from app.set_canvas_archived(p_user_id, p_canvas_id, true, p_request_id, p_expected_version) a;
end $$;

create or replace function app.restore_canvas(p_user_id uuid, p_canvas_id uuid, p_request_id text,
  out canvas jsonb, out seq bigint, out frame text)
language plpgsql set search_path = app, pg_temp as $$
begin
  select a.canvas, a.seq, a.frame into canvas, seq, frame from app.set_canvas_archived(p_user_id, p_canvas_id, false, p_request_id) a;
end $$;

-- For good, with its trash, events and invitations.
create or replace function app.delete_canvas(
  p_user_id uuid, p_canvas_id uuid, p_request_id text, p_expected_version int default null) returns void
language plpgsql set search_path = app, pg_temp as $$
declare
  v_head record;
  v_canvas canvases;
begin
  v_head := app.lock_canvas(p_user_id, p_canvas_id, 'admin');
  select * into v_canvas from canvases c where c.workspace_id = v_head.workspace_id and c.id = p_canvas_id;
  perform app.check_canvas_version(v_canvas, p_expected_version, v_head.role);
  perform from blocks b where b.workspace_id = v_head.workspace_id and b.canvas_id = p_canvas_id and b.deleted_at is null limit 1;
  if found then
    perform app.fail('PT409', 'canvas.not_empty', 'Blocks remain on this canvas.');
  end if;
  delete from canvases c where c.workspace_id = v_head.workspace_id and c.id = p_canvas_id;
  perform app.append_audit(p_user_id, v_head.workspace_id, p_canvas_id, 'canvas.delete', 'canvas', p_canvas_id::text,
    jsonb_build_object('title', v_canvas.title), null, p_request_id);
end $$;

grant execute on function app.personal_workspace, app.create_canvas, app.list_canvases, app.record_canvas_change,
  app.check_canvas_version, app.update_canvas_meta, app.set_canvas_archived, app.archive_canvas, app.restore_canvas,
  app.delete_canvas to app_user;
