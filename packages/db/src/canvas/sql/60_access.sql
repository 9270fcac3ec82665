-- Every person with access, each with the highest role and the path that gives it.
create or replace function app.get_canvas_members_detailed(p_user_id uuid, p_canvas_id uuid)
returns table (user_id uuid, name text, email text, role text, source text)
language plpgsql stable security definer set search_path = app, pg_temp as $$
declare
  v_workspace_id uuid;
begin
  v_workspace_id := (app.find_canvas_access(p_user_id, p_canvas_id)).workspace_id;
  if v_workspace_id is null then
    perform app.fail('PT404', 'canvas.not_found', 'There is no such canvas.');
  end if;
  return query
    with paths as (
      select w.owner_user_id as id, 5 as rank, 1 as path from workspaces w where w.id = v_workspace_id
      union all
      select m.user_id, app.workspace_role_rank(m.role), 2 from workspace_members m
      where m.workspace_id = v_workspace_id and m.role <> 'guest'
      union all
      select a.user_id, app.role_rank(a.role), 3 from canvas_access a
      where a.workspace_id = v_workspace_id and a.canvas_id = p_canvas_id
    ), best as (
      select distinct on (p.id) p.id, p.rank, p.path from paths p order by p.id, p.rank desc, p.path
    )
    select u.id, u.name, u.email, app.rank_role(b.rank), (array['owner', 'workspace', 'invitation'])[b.path]
    from best b join users u on u.id = b.id and u.kind = 'person'
    order by b.rank desc, u.name, u.id;
end $$;

-- A person: an API key's user can be neither invited nor told of anything.
create or replace function app.user_exists(p_user_id uuid) returns boolean
language plpgsql stable security definer set search_path = app, pg_temp as $$
begin
  return exists (select from users u where u.id = p_user_id and u.kind = 'person');
end $$;

create or replace function app.is_workspace_owner(p_user_id uuid, p_workspace_id uuid) returns boolean
language plpgsql stable security definer set search_path = app, pg_temp as $$
begin
  return exists (select from workspaces w where w.id = p_workspace_id and w.owner_user_id = p_user_id);
end $$;

-- Invites, changes an invitation's role, or with role null takes it back, which everybody may do with their own. False: it was so
-- already. With p_only_invited, and with role null, only an invitation that is there is changed; whether there is such a person
-- is then not told.
create or replace function app.set_canvas_access(p_user_id uuid, p_canvas_id uuid, p_target_user_id uuid, p_role text,
  p_request_id text, p_traceparent text default null, p_only_invited boolean default false) returns boolean
language plpgsql set search_path = app, pg_temp as $$
declare
  v_head record;
  v_before text;
  v_is_leaving constant boolean := p_role is null and p_target_user_id = p_user_id;
begin
  if p_role not in ('admin', 'editor', 'commenter', 'viewer') then
    perform app.fail('PT400', 'canvas.role_invalid', 'The role must be admin, editor, commenter or viewer.', '{"pointer": "/role"}');
  end if;
  v_head := app.lock_canvas(p_user_id, p_canvas_id, case when v_is_leaving then 'viewer' else 'admin' end);
  if app.role_rank(p_role) > app.role_rank(v_head.role) then
    perform app.fail('PT403', 'canvas.forbidden', 'Nobody grants more than they have.');
  end if;
  if app.is_workspace_owner(p_target_user_id, v_head.workspace_id) then
    perform app.fail('PT409', 'canvas.owner_fixed', 'The owner''s access cannot be changed.');
  end if;
  select a.role into v_before from canvas_access a
  where a.workspace_id = v_head.workspace_id and a.canvas_id = p_canvas_id and a.user_id = p_target_user_id;
  if v_before = p_role then
    return false;
  end if;
  if v_before is null then
    if v_is_leaving then
      perform app.fail('PT409', 'canvas.not_invited',
        'Your access comes from the workspace, not from an invitation to this canvas: leave the workspace instead.');
    end if;
    if p_only_invited or p_role is null then
      perform app.fail('PT404', 'user.not_invited', 'There is no invitation of this user.');
    end if;
    if not app.user_exists(p_target_user_id) then
      perform app.fail('PT404', 'user.not_found', 'There is no such user.');
    end if;
    perform app.check_person_domain(v_head.workspace_id, p_target_user_id);
  end if;
  if p_role is null then
    delete from canvas_access a
    where a.workspace_id = v_head.workspace_id and a.canvas_id = p_canvas_id and a.user_id = p_target_user_id;
  else
    insert into canvas_access (workspace_id, canvas_id, user_id, role, invited_by)
    values (v_head.workspace_id, p_canvas_id, p_target_user_id, p_role, p_user_id)
    on conflict (workspace_id, canvas_id, user_id) do update set role = excluded.role, updated_at = now();
  end if;
  if coalesce(app.role_rank(p_role), 0) < app.role_rank(v_before) then
    perform app.revoke_canvas_invitations_of(v_head.workspace_id, p_canvas_id, p_target_user_id, p_request_id);
  end if;
  update canvas_heads h set access_version = h.access_version + 1
  where h.workspace_id = v_head.workspace_id and h.canvas_id = p_canvas_id;
  perform app.append_audit(p_user_id, v_head.workspace_id, p_canvas_id, 'canvas.set_access', 'user', p_target_user_id::text,
    jsonb_build_object('role', v_before), jsonb_build_object('role', p_role), p_request_id);
  insert into outbox (id, topic, workspace_id, user_id, payload, traceparent, request_id)
  select app.uuidv7(), 'me.deliver', v_head.workspace_id, p_target_user_id,
    jsonb_build_object('user_id', p_target_user_id, 'type', 'canvas.access_changed', 'canvas_id', p_canvas_id, 'title', c.title, 'role', p_role),
    p_traceparent, p_request_id
  from canvases c where c.workspace_id = v_head.workspace_id and c.id = p_canvas_id;
  return true;
end $$;

grant execute on function app.get_canvas_members_detailed, app.user_exists, app.is_workspace_owner, app.set_canvas_access to app_user;
