-- What the invited sees.
create or replace function app.my_invitation_json(i app.invitations) returns jsonb
language plpgsql stable security definer set search_path = app, pg_temp as $$
begin
  return (select jsonb_build_object('invitation_id', i.id, 'kind', case when i.canvas_id is null then 'workspace' else 'canvas' end,
      'workspace_id', w.id, 'workspace_name', w.name, 'canvas_id', i.canvas_id, 'canvas_title', c.title,
      'inviter_name', coalesce(u.name, ''), 'role', i.role, 'expires_at', app.iso(i.expires_at), 'created_at', app.iso(i.created_at))
    from workspaces w
    left join canvases c on c.workspace_id = w.id and c.id = i.canvas_id
    left join users u on u.id = i.invited_by
    where w.id = i.workspace_id);
end $$;

-- Pending ones by which this person can join, the newest first.
create or replace function app.list_my_invitations(p_user_id uuid, p_before_id uuid, p_limit int)
returns table (invitation jsonb) language plpgsql stable security definer set search_path = app, pg_temp as $$
declare
  v_email constant text := (select lower(u.email) from users u where u.id = p_user_id and u.kind = 'person');
begin
  return query
    select app.my_invitation_json(f)
    from (
      select i.* from invitations i where i.user_id = p_user_id
      union
      select i.* from invitations i where i.email = v_email
    ) f
    join workspaces w on w.id = f.workspace_id and w.deleted_at is null
    where f.status = 'pending' and f.expires_at > now() and (p_before_id is null or f.id < p_before_id)
    order by f.id desc limit least(greatest(p_limit, 1), 101);
end $$;

-- For anybody with the token: the names of the workspace and of the inviter, and nothing else.
create or replace function app.preview_invitation(p_token_hash text) returns jsonb
language plpgsql stable security definer set search_path = app, pg_temp as $$
declare
  v_invitation invitations;
  v_shown jsonb;
begin
  select i.* into v_invitation from invitations i
  join workspaces w on w.id = i.workspace_id and w.deleted_at is null where i.token_hash = p_token_hash;
  if not found then
    perform app.fail('PT404', 'invitation.not_found', 'There is no such invitation.');
  end if;
  perform app.check_answerable(v_invitation);
  v_shown := app.my_invitation_json(v_invitation);
  return jsonb_build_object('workspace_name', v_shown -> 'workspace_name', 'inviter_name', v_shown -> 'inviter_name');
end $$;

create or replace function app.check_answerable(i app.invitations) returns void
language plpgsql set search_path = app, pg_temp as $$
begin
  if i.status = 'expired' or i.status = 'pending' and i.expires_at <= clock_timestamp() then
    perform app.fail('PT409', 'invitation.expired', 'This invitation has run out; ask for a new one.');
  end if;
  if i.status <> 'pending' then
    perform app.fail('PT409', 'invitation.not_pending', 'This invitation was answered or revoked.');
  end if;
end $$;

-- Locks what an answer changes, in the order of everybody who invites: the workspace's or the canvas's row, then the invitation,
-- which is read again under the lock. By the hash of its token, or where that is null by its id, which must be p_user's own.
create or replace function app.lock_invitation_of(p_user app.users, p_kind text, p_token_hash text, p_invitation_id uuid)
returns app.invitations language plpgsql set search_path = app, pg_temp set lock_timeout = '400ms' as $$
declare
  v_found invitations;
  v_invitation invitations;
begin
  if p_token_hash is not null then
    select * into v_found from invitations i where i.token_hash = p_token_hash;
  else
    select * into v_found from invitations i
    where i.id = p_invitation_id and (i.user_id = p_user.id or i.email = lower(p_user.email));
  end if;
  if (v_found.canvas_id is not null) = (p_kind = 'canvas') then
    if v_found.canvas_id is null then
      perform from workspaces w where w.id = v_found.workspace_id for no key update;
    else
      perform from canvas_heads h where h.workspace_id = v_found.workspace_id and h.canvas_id = v_found.canvas_id for update;
    end if;
    select i.* into v_invitation from invitations i
    join workspaces w on w.id = i.workspace_id and w.deleted_at is null
    where i.id = v_found.id and i.token_hash = v_found.token_hash for update of i;
  end if;
  if v_invitation.id is null then
    perform app.fail('PT404', 'invitation.not_found', 'There is no such invitation.');
  end if;
  if v_invitation.user_id <> p_user.id or v_invitation.email is distinct from lower(p_user.email) and v_invitation.type = 'EMAIL' then
    perform app.fail('PT403', 'invitation.wrong_address', 'This invitation is for somebody else: sign in with the address that it was sent to.');
  end if;
  perform app.check_answerable(v_invitation);
  return v_invitation;
end $$;

-- The only way into a workspace. The caller holds its lock.
create or replace function app.join_workspace(i app.invitations, p_user_id uuid, p_request_id text) returns void
language plpgsql set search_path = app, pg_temp as $$
declare
  v_workspace workspaces;
  v_seats bigint;
begin
  select * into v_workspace from workspaces w where w.id = i.workspace_id;
  if v_workspace.owner_user_id = p_user_id
    or exists (select from workspace_members m where m.workspace_id = i.workspace_id and m.user_id = p_user_id) then
    perform app.fail('PT409', 'invitation.already_member', 'You are a member already.');
  end if;
  select count(*) + 1 into v_seats from workspace_members m join users u on u.id = m.user_id and u.kind = 'person'
  where m.workspace_id = i.workspace_id;
  if v_seats >= v_workspace.seat_limit then
    perform app.fail('PT409', 'workspace.seats_full', 'This workspace has no seat left.', jsonb_build_object('seat_limit', v_workspace.seat_limit));
  end if;
  insert into workspace_members (workspace_id, user_id, role) values (i.workspace_id, p_user_id, i.role);
  perform app.bump_workspace_access(i.workspace_id);
  perform app.append_audit(p_user_id, i.workspace_id, null, 'member.add', 'user', p_user_id::text, null,
    jsonb_build_object('role', i.role), p_request_id);
end $$;

-- The invitation's role, unless the person was invited to a higher one. The caller holds the canvas's lock.
create or replace function app.join_canvas(i app.invitations, p_user_id uuid, p_request_id text) returns void
language plpgsql set search_path = app, pg_temp as $$
declare
  v_before text;
begin
  select a.role into v_before from canvas_access a
  where a.workspace_id = i.workspace_id and a.canvas_id = i.canvas_id and a.user_id = p_user_id;
  if app.role_rank(v_before) >= app.role_rank(i.role) or app.is_workspace_owner(p_user_id, i.workspace_id) then
    return;
  end if;
  insert into canvas_access (workspace_id, canvas_id, user_id, role, invited_by)
  values (i.workspace_id, i.canvas_id, p_user_id, i.role, i.invited_by)
  on conflict (workspace_id, canvas_id, user_id) do update set role = excluded.role, updated_at = now();
  update canvas_heads h set access_version = h.access_version + 1
  where h.workspace_id = i.workspace_id and h.canvas_id = i.canvas_id;
  perform app.append_audit(p_user_id, i.workspace_id, i.canvas_id, 'canvas.set_access', 'user', p_user_id::text,
    jsonb_build_object('role', v_before), jsonb_build_object('role', i.role), p_request_id);
end $$;

-- Takes or declines an invitation: its state, its end, whose it is, what the inviter may still give, the seats, the member, the
-- audit and the word to the inviter, all or nothing. p_kind: workspace or canvas. What the person now has.
create or replace function app.respond_to_invitation(p_user_id uuid, p_kind text, p_token_hash text, p_invitation_id uuid,
  p_response text, p_request_id text, p_traceparent text default null) returns jsonb
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_accepts constant boolean := p_response = 'accept';
  v_user users;
  v_before invitations;
  v_after invitations;
begin
  select * into v_user from users u where u.id = p_user_id and u.kind = 'person';
  -- Nobody, or an API key: a token does not make it somebody.
  if not found then
    perform app.fail('PT404', 'invitation.not_found', 'There is no such invitation.');
  end if;
  v_before := app.lock_invitation_of(v_user, p_kind, p_token_hash, p_invitation_id);
  if v_accepts then
    if not app.may_offer(v_before.invited_by, v_before.workspace_id, v_before.canvas_id, v_before.role) then
      perform app.fail('PT409', 'invitation.not_pending', 'Whoever sent this invitation may no longer invite; ask for a new one.');
    end if;
    if p_kind = 'workspace' then
      perform app.join_workspace(v_before, p_user_id, p_request_id);
      perform app.notify_workspace(v_before.workspace_id, 'workspace.member_added', 'admins', p_user_id,
        jsonb_build_object('member_user_id', p_user_id, 'role', v_before.role), p_request_id, p_traceparent);
    else
      perform app.join_canvas(v_before, p_user_id, p_request_id);
    end if;
    -- Another invitation of the same person to the same place would let them in again after a removal.
    update invitations i set status = 'revoked', updated_at = now()
    where i.workspace_id = v_before.workspace_id and i.canvas_id is not distinct from v_before.canvas_id and i.id <> v_before.id
      and i.status in ('pending', 'expired') and (i.user_id = p_user_id or i.email = lower(v_user.email));
  end if;
  update invitations i
  set status = case when v_accepts then 'accepted' else 'rejected' end, accepted_by = case when v_accepts then p_user_id end,
    responded_at = clock_timestamp(), updated_at = now()
  where i.id = v_before.id returning * into v_after;
  perform app.append_audit(p_user_id, v_after.workspace_id, v_after.canvas_id,
    case when v_accepts then 'invitation.accept' else 'invitation.reject' end, 'invitation', v_after.id::text,
    app.invitation_note(v_before), app.invitation_note(v_after), p_request_id);
  insert into outbox (id, topic, workspace_id, user_id, payload, traceparent, request_id)
  select app.uuidv7(), 'me.deliver', v_after.workspace_id, u.id, jsonb_build_object('user_id', u.id,
    'type', 'invitation.' || v_after.status, 'invitation_id', v_after.id, 'workspace_id', v_after.workspace_id,
    'canvas_id', v_after.canvas_id, 'role', v_after.role, 'responded_by', p_user_id, 'responded_by_name', v_user.name),
    p_traceparent, p_request_id
  from users u where u.id = v_after.invited_by and u.kind = 'person';
  return app.invitation_answer_json(v_after, p_user_id);
end $$;

create or replace function app.invitation_answer_json(i app.invitations, p_user_id uuid) returns jsonb
language plpgsql stable set search_path = app, pg_temp as $$
declare
  v_target jsonb;
  v_role text;
begin
  if i.status = 'accepted' and i.canvas_id is null then
    v_role := i.role;
    v_target := (select jsonb_build_object('id', w.id, 'name', w.name, 'icon', w.icon) from workspaces w where w.id = i.workspace_id);
  elsif i.status = 'accepted' then
    v_role := app.rank_role((app.find_canvas_access(p_user_id, i.canvas_id)).rank);
    v_target := (select jsonb_build_object('id', c.id, 'workspace_id', c.workspace_id, 'title', c.title, 'icon', c.icon)
      from canvases c where c.workspace_id = i.workspace_id and c.id = i.canvas_id);
  end if;
  return jsonb_build_object('invitation_id', i.id, 'status', i.status, 'role', v_role,
    case when i.canvas_id is null then 'workspace' else 'canvas' end, v_target);
end $$;

grant execute on function app.list_my_invitations, app.preview_invitation, app.respond_to_invitation to app_user;

-- What the mail of an invitation says, for the job that sends it. Null: there is nothing to send any more.
create or replace function app.get_invitation_mail(p_invitation_id uuid, p_token_hash text) returns jsonb
language plpgsql stable security definer set search_path = app, pg_temp as $$
declare
  v_invitation invitations;
  v_user users;
  v_locale text;
begin
  select i.* into v_invitation from invitations i join workspaces w on w.id = i.workspace_id and w.deleted_at is null
  where i.id = p_invitation_id and i.token_hash = p_token_hash and i.status = 'pending' and i.expires_at > now();
  if not found then
    return null;
  end if;
  select * into v_user from users u
  where u.id = v_invitation.user_id or lower(u.email) = v_invitation.email and u.kind = 'person' order by u.id limit 1;
  v_locale := coalesce(v_user.locale, (select s.locale from workspace_settings s where s.workspace_id = v_invitation.workspace_id));
  return app.my_invitation_json(v_invitation) || jsonb_build_object('to', coalesce(v_invitation.email, v_user.email),
    'locale', coalesce(v_locale, 'en'));
end $$;

-- Marks what ran out, at most p_limit; how many it was.
create or replace function app.expire_invitations(p_limit int) returns int
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_count int;
begin
  with due as (
    select i.id from invitations i where i.status = 'pending' and i.expires_at <= now()
    order by i.expires_at limit least(p_limit, 10000) for update skip locked
  )
  update invitations i set status = 'expired', updated_at = now() from due where i.id = due.id;
  get diagnostics v_count = row_count;
  return v_count;
end $$;
grant execute on function app.get_invitation_mail, app.expire_invitations to job_user;
