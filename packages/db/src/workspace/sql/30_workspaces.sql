-- How long a deleted workspace can be restored.
create or replace function app.workspace_grace() returns interval language sql immutable parallel safe
  return interval '30 days';

create or replace function app.workspace_json(w app.workspaces, p_role text) returns jsonb language sql stable parallel safe
  return jsonb_build_object('id', (w).id, 'name', (w).name, 'icon', (w).icon, 'is_personal', (w).is_personal, 'role', p_role,
    'owner_user_id', (w).owner_user_id, 'seat_limit', (w).seat_limit, 'version', (w).version,
    'created_at', app.iso((w).created_at), 'updated_at', app.iso((w).updated_at),
    'deleted_at', app.iso((w).deleted_at), 'purge_at', app.iso((w).deleted_at + app.workspace_grace()));

-- The role of a person in a live workspace, guests too; of a deleted one only its owner's, and only to look or restore.
create or replace function app.find_workspace_role(p_user_id uuid, p_workspace_id uuid, p_with_deleted boolean default false)
returns text language plpgsql stable security definer set search_path = app, pg_temp as $$
declare
  v_workspace workspaces;
begin
  select * into v_workspace from workspaces w where w.id = p_workspace_id;
  if v_workspace.owner_user_id = p_user_id and (v_workspace.deleted_at is null
    or (p_with_deleted and v_workspace.deleted_at > now() - app.workspace_grace())) then
    return 'owner';
  end if;
  return (select m.role from workspace_members m
    where m.workspace_id = p_workspace_id and m.user_id = p_user_id and v_workspace.deleted_at is null);
end $$;

-- For everybody in it, guests too, who have no tenant context; a deleted one for its owner.
create or replace function app.get_workspace(p_user_id uuid, p_workspace_id uuid) returns jsonb
language plpgsql stable security definer set search_path = app, pg_temp as $$
declare
  v_role constant text := app.find_workspace_role(p_user_id, p_workspace_id, true);
begin
  if v_role is null then
    perform app.fail('PT404', 'workspace.not_found', 'There is no such workspace.');
  end if;
  return (select app.workspace_json(w, v_role) from workspaces w where w.id = p_workspace_id);
end $$;

-- Those that a person is in: the personal space, then in the order in which they were made. The cursor is the last row read,
-- and without a time where that was the personal space.
create or replace function app.list_workspaces(
  p_user_id uuid, p_include_deleted boolean, p_cursor_created_at timestamptz, p_cursor_id uuid, p_limit int)
returns table (workspace jsonb) language plpgsql stable security definer set search_path = app, pg_temp as $$
declare
  v_created_at constant timestamptz := coalesce(p_cursor_created_at, '-infinity');
  v_id constant uuid := coalesce(p_cursor_id, '00000000-0000-0000-0000-000000000000');
begin
  return query
    with mine as (
      select w.id, 'owner' as role, case when w.is_personal then '-infinity' else w.created_at end as since from workspaces w
      where w.owner_user_id = p_user_id
        and (w.deleted_at is null or (p_include_deleted and w.deleted_at > now() - app.workspace_grace()))
      union all
      select w.id, m.role, w.created_at from workspace_members m join workspaces w on w.id = m.workspace_id and w.deleted_at is null
      where m.user_id = p_user_id and w.owner_user_id <> p_user_id
    )
    select app.workspace_json(w, m.role) from mine m join workspaces w on w.id = m.id
    where (m.since, m.id) > (v_created_at, v_id)
    order by m.since, m.id limit least(greatest(p_limit, 1), 501);
end $$;

-- Takes the workspace's lock: one change of its members at a time. The role is decided again once the lock is held, so that
-- a change which committed while we waited counts. It does not hold up who only refers to the workspace, such as a new canvas.
create or replace function app.lock_workspace(p_user_id uuid, p_workspace_id uuid, p_needed_role text) returns text
language plpgsql set search_path = app, pg_temp set lock_timeout = '400ms' as $$
begin
  perform app.set_tenant_context(p_user_id, p_workspace_id, p_needed_role);
  perform from workspaces w where w.id = p_workspace_id for no key update;
  return app.set_tenant_context(p_user_id, p_workspace_id, p_needed_role);
end $$;

-- The tenant context for the owner alone, in which the workspace may be a deleted one that can still be restored; locks it.
create or replace function app.set_owner_context(p_user_id uuid, p_workspace_id uuid) returns void
language plpgsql security definer set search_path = app, pg_temp set lock_timeout = '400ms' as $$
declare
  v_role text;
begin
  if app.find_workspace_role(p_user_id, p_workspace_id, true) is not null then
    perform from workspaces w where w.id = p_workspace_id for no key update;
    v_role := app.find_workspace_role(p_user_id, p_workspace_id, true);
  end if;
  if v_role is null then
    perform app.fail('PT404', 'workspace.not_found', 'There is no such workspace.');
  elsif v_role <> 'owner' then
    perform app.fail('PT403', 'workspace.forbidden', 'Your role in this workspace does not allow this.',
      jsonb_build_object('needed_role', 'owner', 'role', v_role));
  end if;
  perform set_config('app.user_id', p_user_id::text, true), set_config('app.workspace_id', p_workspace_id::text, true),
    set_config('app.canvas_id', '', true), set_config('app.role', 'owner', true);
end $$;

-- A workspace of one stays one. The caller holds the lock.
create or replace function app.refuse_personal(p_workspace_id uuid) returns void
language plpgsql set search_path = app, pg_temp as $$
begin
  if app.is_personal(p_workspace_id) then
    perform app.fail('PT409', 'workspace.personal', 'A personal space is for one: it has no other members, and goes with its person.');
  end if;
end $$;

create or replace function app.check_workspace_version(p_workspace app.workspaces, p_expected_version int, p_role text) returns void
language plpgsql set search_path = app, pg_temp as $$
begin
  if p_expected_version <> p_workspace.version then
    perform app.fail('PT412', 'workspace.version_conflict', 'The workspace was changed meanwhile.',
      jsonb_build_object('current', app.workspace_json(p_workspace, p_role)));
  end if;
end $$;

create or replace function app.create_workspace(p_user_id uuid, p_workspace_id uuid, p_name text, p_icon text, p_request_id text)
returns jsonb language plpgsql set search_path = app, pg_temp as $$
declare
  v_workspace workspaces;
  v_max constant int := 200;
begin
  perform app.set_user_context(p_user_id);
  if not app.user_exists(p_user_id) then
    perform app.fail('PT403', 'workspace.forbidden', 'Only a person can own a workspace.');
  end if;
  -- One after the other, so that two do not take the same last place.
  perform pg_advisory_xact_lock(7236009, hashtext(p_user_id::text));
  if app.count_owned_workspaces(p_user_id) >= v_max then
    perform app.fail('PT409', 'workspace.too_many', format('One person owns at most %s workspaces, with those that are deleted and not yet gone.', v_max));
  end if;
  -- The tenant that this makes; an id that is taken fails by its key.
  perform set_config('app.workspace_id', p_workspace_id::text, true);
  insert into workspaces (id, name, icon, owner_user_id) values (p_workspace_id, p_name, p_icon, p_user_id)
  returning * into v_workspace;
  perform app.append_audit(p_user_id, p_workspace_id, null, 'workspace.create', 'workspace', p_workspace_id::text,
    null, jsonb_build_object('name', p_name, 'icon', p_icon), p_request_id);
  return app.workspace_json(v_workspace, 'owner');
end $$;

create or replace function app.count_owned_workspaces(p_user_id uuid) returns bigint
language plpgsql stable security definer set search_path = app, pg_temp as $$
begin
  return (select count(*) from workspaces w where w.owner_user_id = p_user_id and not w.is_personal);
end $$;

-- Only name and icon; what stays as it was is no change. p_expected_version null: whatever it is now.
create or replace function app.update_workspace(
  p_user_id uuid, p_workspace_id uuid, p_expected_version int, p_patch jsonb, p_request_id text) returns jsonb
language plpgsql set search_path = app, pg_temp as $$
declare
  v_role constant text := app.lock_workspace(p_user_id, p_workspace_id, 'admin');
  v_before workspaces;
  v_after workspaces;
begin
  select * into v_before from workspaces w where w.id = p_workspace_id;
  perform app.check_workspace_version(v_before, p_expected_version, v_role);
  update workspaces w
  set name = coalesce(p_patch ->> 'name', w.name), icon = case when p_patch ? 'icon' then p_patch ->> 'icon' else w.icon end,
    version = w.version + 1, updated_at = clock_timestamp()
  where w.id = p_workspace_id
    and (coalesce(p_patch ->> 'name', w.name) <> w.name or (p_patch ? 'icon' and p_patch ->> 'icon' is distinct from w.icon))
  returning * into v_after;
  if not found then
    return app.workspace_json(v_before, v_role);
  end if;
  perform app.append_audit(p_user_id, p_workspace_id, null, 'workspace.update', 'workspace', p_workspace_id::text,
    jsonb_build_object('name', v_before.name, 'icon', v_before.icon), jsonb_build_object('name', v_after.name, 'icon', v_after.icon),
    p_request_id);
  return app.workspace_json(v_after, v_role);
end $$;

-- From now on nobody but the owner sees it, and 30 days later it is gone. Twice is once.
create or replace function app.delete_workspace(p_user_id uuid, p_workspace_id uuid, p_name text, p_expected_version int,
  p_request_id text, p_traceparent text default null, out workspace jsonb, out changed boolean)
language plpgsql set search_path = app, pg_temp as $$
declare
  v_workspace workspaces;
begin
  perform app.set_owner_context(p_user_id, p_workspace_id);
  perform app.refuse_personal(p_workspace_id);
  select * into v_workspace from workspaces w where w.id = p_workspace_id;
  perform app.check_workspace_version(v_workspace, p_expected_version, 'owner');
  if p_name is distinct from v_workspace.name then
    perform app.fail('PT409', 'workspace.name_mismatch', 'To delete a workspace, give its exact name.', '{"pointer": "/name"}');
  end if;
  changed := v_workspace.deleted_at is null;
  if changed then
    v_workspace := app.set_workspace_deleted(p_workspace_id, true);
    perform app.append_audit(p_user_id, p_workspace_id, null, 'workspace.delete', 'workspace', p_workspace_id::text,
      jsonb_build_object('name', v_workspace.name), jsonb_build_object('deleted_at', app.iso(v_workspace.deleted_at)), p_request_id);
    perform app.notify_workspace(p_workspace_id, 'workspace.deleted', 'everybody', null, '{}', p_request_id, p_traceparent);
  end if;
  workspace := app.workspace_json(v_workspace, 'owner');
end $$;

create or replace function app.restore_workspace(p_user_id uuid, p_workspace_id uuid, p_request_id text,
  p_traceparent text default null, out workspace jsonb, out changed boolean)
language plpgsql set search_path = app, pg_temp as $$
declare
  v_workspace workspaces;
begin
  perform app.set_owner_context(p_user_id, p_workspace_id);
  select * into v_workspace from workspaces w where w.id = p_workspace_id;
  changed := v_workspace.deleted_at is not null;
  if changed then
    perform app.append_audit(p_user_id, p_workspace_id, null, 'workspace.restore', 'workspace', p_workspace_id::text,
      jsonb_build_object('deleted_at', app.iso(v_workspace.deleted_at)), jsonb_build_object('name', v_workspace.name), p_request_id);
    v_workspace := app.set_workspace_deleted(p_workspace_id, false);
    perform app.notify_workspace(p_workspace_id, 'workspace.restored', 'everybody', null, '{}', p_request_id, p_traceparent);
  end if;
  workspace := app.workspace_json(v_workspace, 'owner');
end $$;

create or replace function app.set_workspace_deleted(p_workspace_id uuid, p_deleted boolean) returns app.workspaces
language plpgsql set search_path = app, pg_temp as $$
declare
  v_workspace workspaces;
begin
  update workspaces w
  set deleted_at = case when p_deleted then clock_timestamp() end, version = w.version + 1,
    access_version = w.access_version + 1, updated_at = clock_timestamp()
  where w.id = p_workspace_id
  returning * into v_workspace;
  return v_workspace;
end $$;

grant execute on function app.workspace_json, app.workspace_grace, app.get_workspace, app.list_workspaces, app.lock_workspace,
  app.set_owner_context, app.refuse_personal, app.check_workspace_version, app.create_workspace, app.count_owned_workspaces,
  app.update_workspace, app.delete_workspace, app.restore_workspace, app.set_workspace_deleted to app_user;
