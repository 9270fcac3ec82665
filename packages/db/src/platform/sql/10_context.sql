create or replace function app.role_rank(p_role text) returns int language sql immutable parallel safe
  return case p_role when 'owner' then 5 when 'admin' then 4 when 'editor' then 3 when 'commenter' then 2 when 'viewer' then 1 else 0 end;

create or replace function app.rank_role(p_rank int) returns text language sql immutable parallel safe
  return case p_rank when 5 then 'owner' when 4 then 'admin' when 3 then 'editor' when 2 then 'commenter' when 1 then 'viewer' end;

-- What a workspace role gives on every canvas of the workspace. A guest has only what they are invited to.
create or replace function app.workspace_role_rank(p_role text) returns int language sql immutable parallel safe
  return case p_role when 'owner' then 5 when 'admin' then 4 when 'member' then 3 else 0 end;

-- A context ends with its transaction. Each of these writes the settings, so nothing of an earlier context survives: app.calendar_id
-- too, but for set_canvas_context, under which no row of a calendar is visible anyway.

create or replace function app.set_user_context(p_user_id uuid) returns void
language plpgsql set search_path = app, pg_temp as $$
begin
  if p_user_id is null then
    perform app.fail('PT404', 'user.not_found', 'There is no such user.');
  end if;
  perform set_config('app.user_id', p_user_id::text, true), set_config('app.workspace_id', '', true),
    set_config('app.canvas_id', '', true), set_config('app.calendar_id', '', true), set_config('app.role', '', true);
end $$;

-- Workspace roles: owner > admin > member > guest. A guest has no tenant context: they see only canvases they are invited to.
create or replace function app.set_tenant_context(p_user_id uuid, p_workspace_id uuid, p_needed_role text default 'member')
returns text language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_role text;
  v_order constant text[] := array['guest', 'member', 'admin', 'owner'];
begin
  select case when w.owner_user_id = p_user_id then 'owner' else m.role end into v_role
  from workspaces w
  left join workspace_members m on m.workspace_id = w.id and m.user_id = p_user_id
  where w.id = p_workspace_id and w.deleted_at is null;
  if v_role is null then
    perform app.fail('PT404', 'workspace.not_found', 'There is no such workspace.');
  end if;
  if v_role = 'guest' or array_position(v_order, v_role) < coalesce(array_position(v_order, p_needed_role), 99) then
    perform app.fail('PT403', 'workspace.forbidden', 'Your role in this workspace does not allow this.',
      jsonb_build_object('needed_role', p_needed_role, 'role', v_role));
  end if;
  perform set_config('app.user_id', p_user_id::text, true), set_config('app.workspace_id', p_workspace_id::text, true),
    set_config('app.canvas_id', '', true), set_config('app.calendar_id', '', true), set_config('app.role', v_role, true);
  return v_role;
end $$;

-- The one place that decides access to a canvas: the highest of workspace ownership, workspace membership and invitation.
-- No row, or rank null: no access, or no such canvas. Not for app_user. Every call pays for it, so it is look-ups by key within
-- one statement (a join costs more, and so does a statement for each), and part of its caller's plan.
create or replace function app.decide_canvas_access(p_user_id uuid, p_canvas_id uuid)
returns table (workspace_id uuid, rank int, is_archived boolean)
language sql stable
begin atomic
  select c.workspace_id,
    case (select w.owner_user_id = p_user_id from app.workspaces w where w.id = c.workspace_id and w.deleted_at is null)
      when true then 5
      when false then nullif(greatest(
        app.workspace_role_rank((select m.role from app.workspace_members m
          where m.workspace_id = c.workspace_id and m.user_id = p_user_id)),
        app.role_rank((select a.role from app.canvas_access a
          where a.workspace_id = c.workspace_id and a.canvas_id = c.id and a.user_id = p_user_id))), 0)
    end,
    c.archived_at is not null
  from app.canvases c where c.id = p_canvas_id;
end;

-- The same as a value: both null without access.
create or replace function app.find_canvas_access(p_user_id uuid, p_canvas_id uuid, out workspace_id uuid, out rank int)
language plpgsql stable security definer set search_path = app, pg_temp as $$
begin
  select d.workspace_id, d.rank into workspace_id, rank from app.decide_canvas_access(p_user_id, p_canvas_id) d;
  if rank is null then
    workspace_id := null;
  end if;
end $$;

create or replace function app.set_canvas_context(
  p_user_id uuid, p_canvas_id uuid, p_needed_role text default 'viewer',
  out workspace_id uuid, out role text, out is_archived boolean)
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_rank int;
  v_done text;
begin
  select d.workspace_id, d.rank, d.is_archived into workspace_id, v_rank, is_archived
  from app.decide_canvas_access(p_user_id, p_canvas_id) d;
  if v_rank is null then
    perform app.fail('PT404', 'canvas.not_found', 'There is no such canvas.');
  end if;
  role := app.rank_role(v_rank);
  if v_rank < app.role_rank(p_needed_role) then
    perform app.fail('PT403', 'canvas.forbidden', 'Your role on this canvas does not allow this.',
      jsonb_build_object('needed_role', p_needed_role, 'role', role));
  end if;
  -- An assignment, not a query: it is evaluated without an executor; and one, because each is prepared in each transaction.
  v_done := concat(set_config('app.user_id', p_user_id::text, true), set_config('app.workspace_id', workspace_id::text, true),
    set_config('app.canvas_id', p_canvas_id::text, true), set_config('app.role', role, true));
end $$;

create or replace function app.get_canvas_role(p_user_id uuid, p_canvas_id uuid) returns text
language plpgsql stable security definer set search_path = app, pg_temp as $$
begin
  return app.rank_role((app.find_canvas_access(p_user_id, p_canvas_id)).rank);
end $$;

create or replace function app.get_canvas_tenant(p_user_id uuid, p_canvas_id uuid) returns uuid
language plpgsql stable security definer set search_path = app, pg_temp as $$
begin
  return (app.find_canvas_access(p_user_id, p_canvas_id)).workspace_id;
end $$;

grant execute on function app.role_rank, app.rank_role, app.workspace_role_rank, app.set_user_context,
  app.set_tenant_context, app.set_canvas_context, app.get_canvas_role, app.get_canvas_tenant to app_user;

-- Jobs that act for no person. The reason is what audit rows will name.
create or replace function app.set_system_context(p_reason text) returns void
language plpgsql set search_path = app, pg_temp as $$
begin
  if p_reason !~ '^[a-z][a-z0-9_.-]{2,63}$' then
    perform app.fail('PT400', 'system.reason_invalid', 'A system context needs a reason.');
  end if;
  perform set_config('app.user_id', '', true), set_config('app.workspace_id', '', true),
    set_config('app.canvas_id', '', true), set_config('app.calendar_id', '', true), set_config('app.role', '', true),
    set_config('app.reason', p_reason, true);
end $$;
grant execute on function app.set_system_context to job_user;
