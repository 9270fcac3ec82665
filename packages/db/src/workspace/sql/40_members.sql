-- Everybody in a workspace, for everybody in it, guests too: the owner, then by role and name. API keys act in it, but are
-- nobody. The cursor is the last row read.
create or replace function app.list_workspace_members(p_user_id uuid, p_workspace_id uuid,
  p_cursor_place int, p_cursor_name text, p_cursor_user_id uuid, p_limit int)
returns table (user_id uuid, name text, email text, role text, joined_at text, place int, sort_name text)
language plpgsql stable security definer set search_path = app, pg_temp as $$
declare
  v_order constant text[] := array['owner', 'admin', 'member', 'guest'];
begin
  if app.find_workspace_role(p_user_id, p_workspace_id) is null then
    perform app.fail('PT404', 'workspace.not_found', 'There is no such workspace.');
  end if;
  return query
    with everybody as (
      select w.owner_user_id as id, 'owner' as role, w.created_at as since from workspaces w where w.id = p_workspace_id
      union all
      select m.user_id, m.role, m.created_at from workspace_members m where m.workspace_id = p_workspace_id
    ), listed as (
      select u.id, u.name, u.email, e.role, e.since, array_position(v_order, e.role) as place, left(lower(u.name), 80) collate "C" as sort_name
      from everybody e join users u on u.id = e.id and u.kind = 'person'
    )
    select l.id, l.name, l.email, l.role, app.iso(l.since), l.place, l.sort_name from listed l
    where (l.place, l.sort_name, l.id) > (coalesce(p_cursor_place, 0), coalesce(p_cursor_name, '') collate "C",
      coalesce(p_cursor_user_id, '00000000-0000-0000-0000-000000000000'))
    order by l.place, l.sort_name, l.id limit least(greatest(p_limit, 1), 501);
end $$;

-- Tells people of a change in their workspace. p_audience: `everybody` in it, or its `admins` (the owner with them) and the
-- person whom it is about. The caller is in the tenant's context, or is a definer function.
create or replace function app.notify_workspace(p_workspace_id uuid, p_type text, p_audience text, p_about_user_id uuid,
  p_data jsonb, p_request_id text, p_traceparent text) returns void
language plpgsql set search_path = app, pg_temp as $$
begin
  insert into outbox (id, topic, workspace_id, user_id, payload, traceparent, request_id)
  select app.uuidv7(), 'me.deliver', p_workspace_id, r.user_id,
    jsonb_build_object('user_id', r.user_id, 'type', p_type, 'workspace_id', p_workspace_id, 'name', w.name) || p_data,
    p_traceparent, p_request_id
  from workspaces w cross join lateral (
    select w.owner_user_id as user_id
    union
    select m.user_id from workspace_members m
    where m.workspace_id = p_workspace_id and (p_audience = 'everybody' or m.role = 'admin')
    union
    select p_about_user_id where p_about_user_id is not null
  ) r
  where w.id = p_workspace_id and app.user_exists(r.user_id);
end $$;

-- Whoever stops being an admin takes along what they gave: API keys and pending invitations of theirs end with it. The actor
-- is that of the context.
create or replace function app.withdraw_grants(p_workspace_id uuid, p_user_id uuid) returns void
language plpgsql set search_path = app, pg_temp as $$
begin
  perform app.revoke_api_keys_of(p_workspace_id, p_user_id);
  perform app.revoke_invitations_of(p_workspace_id, p_user_id);
  perform app.disable_webhooks_of(p_workspace_id, p_user_id);
end $$;

-- The role of a member who can be changed. Fails for the owner, and for who is no member or no person. The caller holds the lock.
create or replace function app.find_changeable_member(p_workspace_id uuid, p_user_id uuid) returns text
language plpgsql set search_path = app, pg_temp as $$
declare
  v_role text;
begin
  if app.is_workspace_owner(p_user_id, p_workspace_id) then
    perform app.fail('PT409', 'workspace.owner_fixed', 'The owner can be neither demoted nor removed; ownership can be transferred.');
  end if;
  select m.role into v_role from workspace_members m where m.workspace_id = p_workspace_id and m.user_id = p_user_id;
  if v_role is null or not app.user_exists(p_user_id) then
    perform app.fail('PT404', 'workspace.member_not_found', 'There is no such member.');
  end if;
  return v_role;
end $$;

create or replace function app.bump_workspace_access(p_workspace_id uuid) returns void
language plpgsql set search_path = app, pg_temp as $$
begin
  update workspaces w set access_version = w.access_version + 1 where w.id = p_workspace_id;
end $$;

-- False: it was so already.
create or replace function app.set_workspace_role(p_user_id uuid, p_workspace_id uuid, p_target_user_id uuid, p_role text,
  p_request_id text, p_traceparent text default null) returns boolean
language plpgsql set search_path = app, pg_temp as $$
declare
  v_before text;
begin
  perform app.lock_workspace(p_user_id, p_workspace_id, 'admin');
  if p_role is null or p_role not in ('admin', 'member', 'guest') then
    perform app.fail('PT400', 'workspace.role_invalid', 'The role must be admin, member or guest.', '{"pointer": "/role"}');
  end if;
  v_before := app.find_changeable_member(p_workspace_id, p_target_user_id);
  if v_before = p_role then
    return false;
  end if;
  update workspace_members m set role = p_role, updated_at = clock_timestamp()
  where m.workspace_id = p_workspace_id and m.user_id = p_target_user_id;
  if v_before = 'admin' then
    perform app.withdraw_grants(p_workspace_id, p_target_user_id);
  end if;
  perform app.bump_workspace_access(p_workspace_id);
  perform app.append_audit(p_user_id, p_workspace_id, null, 'member.update', 'user', p_target_user_id::text,
    jsonb_build_object('role', v_before), jsonb_build_object('role', p_role), p_request_id);
  perform app.notify_workspace(p_workspace_id, 'workspace.role_changed', 'admins', p_target_user_id,
    jsonb_build_object('member_user_id', p_target_user_id, 'role', p_role), p_request_id, p_traceparent);
  return true;
end $$;

-- The end of a membership: with it go the person's grants and what they were invited to on single canvases.
create or replace function app.end_membership(p_actor_user_id uuid, p_workspace_id uuid, p_target_user_id uuid, p_role text,
  p_action text, p_type text, p_request_id text, p_traceparent text) returns void
language plpgsql set search_path = app, pg_temp as $$
declare
  v_canvases int;
begin
  perform app.withdraw_grants(p_workspace_id, p_target_user_id);
  delete from canvas_access a where a.workspace_id = p_workspace_id and a.user_id = p_target_user_id;
  get diagnostics v_canvases = row_count;
  delete from workspace_members m where m.workspace_id = p_workspace_id and m.user_id = p_target_user_id;
  perform app.bump_workspace_access(p_workspace_id);
  perform app.append_audit(p_actor_user_id, p_workspace_id, null, p_action, 'user', p_target_user_id::text,
    jsonb_build_object('role', p_role, 'canvas_invitations', v_canvases), null, p_request_id);
  perform app.notify_workspace(p_workspace_id, p_type, 'admins', p_target_user_id,
    jsonb_build_object('member_user_id', p_target_user_id), p_request_id, p_traceparent);
end $$;

create or replace function app.remove_workspace_member(
  p_user_id uuid, p_workspace_id uuid, p_target_user_id uuid, p_request_id text, p_traceparent text default null) returns void
language plpgsql set search_path = app, pg_temp as $$
declare
  v_role text;
begin
  perform app.lock_workspace(p_user_id, p_workspace_id, 'admin');
  v_role := app.find_changeable_member(p_workspace_id, p_target_user_id);
  perform app.end_membership(p_user_id, p_workspace_id, p_target_user_id, v_role, 'member.remove', 'workspace.member_removed',
    p_request_id, p_traceparent);
end $$;

-- For guests too, who have no tenant context: the context is set here, for the one statement that this is.
create or replace function app.leave_workspace(p_user_id uuid, p_workspace_id uuid, p_request_id text, p_traceparent text default null)
returns void language plpgsql security definer set search_path = app, pg_temp set lock_timeout = '400ms' as $$
declare
  v_role text := app.find_workspace_role(p_user_id, p_workspace_id);
begin
  if v_role is not null then
    perform from workspaces w where w.id = p_workspace_id for no key update;
    v_role := app.find_workspace_role(p_user_id, p_workspace_id);
  end if;
  if v_role is null then
    perform app.fail('PT404', 'workspace.not_found', 'There is no such workspace.');
  end if;
  perform app.refuse_personal(p_workspace_id);
  if v_role = 'owner' then
    perform app.fail('PT409', 'workspace.owner_fixed', 'The owner cannot leave; transfer the ownership first, or delete the workspace.');
  end if;
  perform set_config('app.user_id', p_user_id::text, true), set_config('app.workspace_id', p_workspace_id::text, true),
    set_config('app.canvas_id', '', true), set_config('app.role', v_role, true);
  perform app.end_membership(p_user_id, p_workspace_id, p_user_id, v_role, 'workspace.leave', 'workspace.member_left',
    p_request_id, p_traceparent);
  perform app.set_user_context(p_user_id);
end $$;

-- The new owner leaves the list of members, the former one comes into it as an admin. False: it was so already.
create or replace function app.transfer_workspace(p_user_id uuid, p_workspace_id uuid, p_target_user_id uuid,
  p_request_id text, p_traceparent text default null, out workspace jsonb, out changed boolean)
language plpgsql set search_path = app, pg_temp as $$
declare
  v_workspace workspaces;
begin
  perform app.lock_workspace(p_user_id, p_workspace_id, 'owner');
  perform app.refuse_personal(p_workspace_id);
  changed := p_target_user_id <> p_user_id;
  if changed then
    perform app.find_changeable_member(p_workspace_id, p_target_user_id);
    delete from workspace_members m where m.workspace_id = p_workspace_id and m.user_id = p_target_user_id;
    insert into workspace_members (workspace_id, user_id, role) values (p_workspace_id, p_user_id, 'admin');
    update workspaces w
    set owner_user_id = p_target_user_id, version = w.version + 1, access_version = w.access_version + 1, updated_at = clock_timestamp()
    where w.id = p_workspace_id;
    perform app.append_audit(p_user_id, p_workspace_id, null, 'workspace.transfer', 'workspace', p_workspace_id::text,
      jsonb_build_object('owner_user_id', p_user_id), jsonb_build_object('owner_user_id', p_target_user_id), p_request_id);
    perform app.notify_workspace(p_workspace_id, 'workspace.transferred', 'admins', null,
      jsonb_build_object('owner_user_id', p_target_user_id), p_request_id, p_traceparent);
  end if;
  select * into v_workspace from workspaces w where w.id = p_workspace_id;
  workspace := app.workspace_json(v_workspace, case when changed then 'admin' else 'owner' end);
end $$;

grant execute on function app.list_workspace_members, app.notify_workspace, app.withdraw_grants, app.find_changeable_member,
  app.bump_workspace_access, app.set_workspace_role, app.end_membership, app.remove_workspace_member, app.leave_workspace,
  app.transfer_workspace to app_user;
