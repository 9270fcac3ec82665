create or replace function app.tenant_role_rank(p_role text) returns int language sql immutable parallel safe
  return case p_role when 'owner' then 4 when 'admin' then 3 when 'member' then 2 when 'guest' then 1 else 0 end;

-- What those who may invite see of an invitation. One that ran out says so before a job has marked it.
create or replace function app.invitation_json(i app.invitations) returns jsonb language sql stable parallel safe
  return jsonb_build_object('id', (i).id, 'workspace_id', (i).workspace_id, 'canvas_id', (i).canvas_id, 'type', (i).type,
    'user_id', (i).user_id, 'email', (i).email, 'role', (i).role,
    'status', case when (i).status = 'pending' and (i).expires_at <= now() then 'expired' else (i).status end,
    'expires_at', app.iso((i).expires_at), 'invited_by', (i).invited_by, 'sent_count', (i).sent_count,
    'last_sent_at', app.iso((i).last_sent_at), 'responded_at', app.iso((i).responded_at), 'accepted_by', (i).accepted_by,
    'created_at', app.iso((i).created_at));

-- What audit rows say of an invitation.
create or replace function app.invitation_note(i app.invitations) returns jsonb language sql stable parallel safe
  return jsonb_strip_nulls(jsonb_build_object('user_id', (i).user_id, 'email', (i).email, 'role', (i).role, 'status', (i).status));

-- Whether this person, as things stand, may hand out this role: admins and owners, and nobody more than they have.
create or replace function app.may_offer(p_user_id uuid, p_workspace_id uuid, p_canvas_id uuid, p_role text) returns boolean
language plpgsql stable security definer set search_path = app, pg_temp as $$
begin
  if p_canvas_id is not null then
    return coalesce((app.find_canvas_access(p_user_id, p_canvas_id)).rank >= greatest(4, app.role_rank(p_role)), false);
  end if;
  return coalesce((select app.tenant_role_rank(case when w.owner_user_id = p_user_id then 'owner' else m.role end)
      >= greatest(3, app.tenant_role_rank(p_role))
    from workspaces w left join workspace_members m on m.workspace_id = w.id and m.user_id = p_user_id
    where w.id = p_workspace_id and w.deleted_at is null), false);
end $$;

-- The domains that a workspace invites from; none: all. Compared exactly, as they are written.
create or replace function app.check_invite_domain(p_workspace_id uuid, p_email text) returns void
language plpgsql stable set search_path = app, pg_temp as $$
declare
  v_domains constant text[] := (select s.invite_domains from workspace_settings s where s.workspace_id = p_workspace_id);
begin
  if cardinality(v_domains) > 0 and coalesce(substring(p_email from '@([^@]*)$') <> all (v_domains), true) then
    perform app.fail('PT403', 'invitation.domain_refused', 'This workspace invites from certain domains only.');
  end if;
end $$;

-- The same of a person who is given access to a canvas, unless they are in the workspace. In the canvas's context; definer
-- because it looks up the person's address and the workspace's settings.
create or replace function app.check_person_domain(p_workspace_id uuid, p_user_id uuid) returns void
language plpgsql stable security definer set search_path = app, pg_temp as $$
begin
  if p_workspace_id is distinct from nullif(current_setting('app.workspace_id', true), '')::uuid then
    perform app.fail('PT404', 'canvas.not_found', 'There is no such canvas.');
  end if;
  if not exists (select from workspace_members m where m.workspace_id = p_workspace_id and m.user_id = p_user_id) then
    perform app.check_invite_domain(p_workspace_id, (select lower(u.email) from users u where u.id = p_user_id));
  end if;
end $$;

-- Whether this person or address can be invited here by p_user_id. Tells who is a member already only to those who may invite.
-- p_invitation_id: the invitation that it is about, which does not stand in its own way.
create or replace function app.check_invitable(p_user_id uuid, p_invitation_id uuid, p_workspace_id uuid, p_canvas_id uuid,
  p_target_user_id uuid, p_email text, p_role text) returns void
language plpgsql stable security definer set search_path = app, pg_temp as $$
declare
  v_noun constant text := case when p_canvas_id is null then 'workspace' else 'canvas' end;
  v_email text := p_email;
begin
  if not app.may_offer(p_user_id, p_workspace_id, p_canvas_id, p_role) then
    perform app.fail('PT403', v_noun || '.forbidden', 'Nobody grants more than they have.');
  end if;
  if p_canvas_id is null and app.is_personal(p_workspace_id) then
    perform app.fail('PT409', 'workspace.personal', 'Nobody else joins a personal workspace.');
  end if;
  if p_target_user_id is not null then
    select lower(u.email) into v_email from users u where u.id = p_target_user_id and u.kind = 'person';
    if not found then
      perform app.fail('PT404', 'user.not_found', 'There is no such user.', '{"pointer": "/user_id"}');
    end if;
  end if;
  perform app.check_invite_domain(p_workspace_id, v_email);
  perform from users u
  where (u.id = p_target_user_id or lower(u.email) = p_email) and u.kind = 'person' and case when p_canvas_id is null
    then exists (select from workspaces w where w.id = p_workspace_id and w.owner_user_id = u.id)
      or exists (select from workspace_members m where m.workspace_id = p_workspace_id and m.user_id = u.id)
    else coalesce((app.find_canvas_access(u.id, p_canvas_id)).rank, 0) >= app.role_rank(p_role) end;
  if found then
    perform app.fail('PT409', 'invitation.already_member', 'This person is a member already.');
  end if;
  perform from invitations i
  where i.workspace_id = p_workspace_id and i.canvas_id is not distinct from p_canvas_id and i.status = 'pending'
    and i.expires_at > now() and i.id <> p_invitation_id
    and (i.email = v_email or i.user_id = p_target_user_id
      or i.user_id in (select u.id from users u where lower(u.email) = v_email and u.kind = 'person'));
  if found then
    perform app.fail('PT409', 'invitation.already_pending', 'There is a pending invitation for this person; it can be sent again.');
  end if;
end $$;

-- Takes the lock under which invitations to a workspace or a canvas are made, in the context of the one who may.
create or replace function app.lock_invitations(p_user_id uuid, p_workspace_id uuid, p_canvas_id uuid) returns uuid
language plpgsql set search_path = app, pg_temp as $$
begin
  if p_canvas_id is not null then
    return (app.lock_canvas(p_user_id, p_canvas_id, 'admin')).workspace_id;
  end if;
  perform app.lock_workspace(p_user_id, p_workspace_id, 'admin');
  return p_workspace_id;
end $$;

-- The mail of an invitation that this person has just sent, and for those invited who are here already, its event.
create or replace function app.announce_invitation(
  p_user_id uuid, p_invitation_id uuid, p_sealed_token text, p_request_id text, p_traceparent text) returns void
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_invitation invitations;
begin
  select * into v_invitation from invitations i
  where i.id = p_invitation_id and i.invited_by = p_user_id and i.status = 'pending';
  if not found then
    perform app.fail('PT404', 'invitation.not_found', 'There is no such invitation.');
  end if;
  insert into outbox (id, topic, workspace_id, payload, traceparent, request_id)
  select app.uuidv7(), 'mail.send', v_invitation.workspace_id, jsonb_build_object('template', 'invitation',
    'reference', v_invitation.id, 'sealed_token', p_sealed_token), p_traceparent, p_request_id
  where v_invitation.email is not null
    or exists (select from users u where u.id = v_invitation.user_id and u.email is not null);
  insert into outbox (id, topic, workspace_id, user_id, payload, traceparent, request_id)
  select app.uuidv7(), 'me.deliver', v_invitation.workspace_id, u.id, app.my_invitation_json(v_invitation)
    || jsonb_build_object('user_id', u.id, 'type', 'invitation.created'), p_traceparent, p_request_id
  from users u
  where (u.id = v_invitation.user_id or lower(u.email) = v_invitation.email) and u.kind = 'person';
end $$;

-- By p_target_user_id or by p_email. Only the hash of the token is kept.
create or replace function app.create_invitation(p_user_id uuid, p_invitation_id uuid, p_workspace_id uuid, p_canvas_id uuid,
  p_target_user_id uuid, p_email text, p_role text, p_token_hash text, p_sealed_token text, p_ttl interval,
  p_request_id text, p_traceparent text default null) returns jsonb
language plpgsql set search_path = app, pg_temp as $$
declare
  v_workspace_id uuid;
  v_invitation invitations;
begin
  v_workspace_id := app.lock_invitations(p_user_id, p_workspace_id, p_canvas_id);
  perform app.check_invitable(p_user_id, p_invitation_id, v_workspace_id, p_canvas_id, p_target_user_id, p_email, p_role);
  update invitations i set status = 'expired', updated_at = now()
  where i.workspace_id = v_workspace_id and i.canvas_id is not distinct from p_canvas_id and i.status = 'pending'
    and i.expires_at <= now() and (i.email = p_email or i.user_id = p_target_user_id);
  insert into invitations (id, workspace_id, canvas_id, type, user_id, email, role, token_hash, expires_at, invited_by)
  values (p_invitation_id, v_workspace_id, p_canvas_id, case when p_email is null then 'USER_ID' else 'EMAIL' end,
    p_target_user_id, p_email, p_role, p_token_hash, now() + p_ttl, p_user_id)
  returning * into v_invitation;
  perform app.append_audit(p_user_id, v_workspace_id, p_canvas_id, 'invitation.create', 'invitation', p_invitation_id::text,
    null, app.invitation_note(v_invitation), p_request_id);
  perform app.announce_invitation(p_user_id, p_invitation_id, p_sealed_token, p_request_id, p_traceparent);
  return app.invitation_json(v_invitation);
end $$;

-- A new token, a new end, and the sender answers for it from now on. Revives an invitation that ran out.
create or replace function app.resend_invitation(p_user_id uuid, p_invitation_id uuid, p_workspace_id uuid, p_canvas_id uuid,
  p_token_hash text, p_sealed_token text, p_ttl interval, p_request_id text, p_traceparent text default null) returns jsonb
language plpgsql set search_path = app, pg_temp as $$
declare
  v_workspace_id uuid;
  v_before invitations;
  v_invitation invitations;
begin
  v_workspace_id := app.lock_invitations(p_user_id, p_workspace_id, p_canvas_id);
  v_before := app.lock_invitation(v_workspace_id, p_canvas_id, p_invitation_id);
  if v_before.status not in ('pending', 'expired') then
    perform app.fail('PT409', 'invitation.not_pending', 'This invitation was answered or revoked.');
  end if;
  perform app.check_invitable(p_user_id, p_invitation_id, v_workspace_id, p_canvas_id, v_before.user_id, v_before.email, v_before.role);
  -- One that ran out unseen keeps the place that this one takes again.
  update invitations i set status = 'expired', updated_at = now()
  where i.workspace_id = v_workspace_id and i.canvas_id is not distinct from p_canvas_id and i.status = 'pending'
    and i.expires_at <= now() and i.id <> p_invitation_id and (i.email = v_before.email or i.user_id = v_before.user_id);
  update invitations i
  set token_hash = p_token_hash, status = 'pending', expires_at = now() + p_ttl, invited_by = p_user_id,
    sent_count = i.sent_count + 1, last_sent_at = now(), updated_at = now()
  where i.workspace_id = v_workspace_id and i.id = p_invitation_id
  returning * into v_invitation;
  perform app.append_audit(p_user_id, v_workspace_id, p_canvas_id, 'invitation.resend', 'invitation', p_invitation_id::text,
    app.invitation_note(v_before), app.invitation_note(v_invitation), p_request_id);
  perform app.announce_invitation(p_user_id, p_invitation_id, p_sealed_token, p_request_id, p_traceparent);
  return app.invitation_json(v_invitation);
end $$;

create or replace function app.lock_invitation(p_workspace_id uuid, p_canvas_id uuid, p_invitation_id uuid) returns app.invitations
language plpgsql set search_path = app, pg_temp as $$
declare
  v_invitation invitations;
begin
  select * into v_invitation from invitations i
  where i.workspace_id = p_workspace_id and i.canvas_id is not distinct from p_canvas_id and i.id = p_invitation_id
  for update;
  if not found then
    perform app.fail('PT404', 'invitation.not_found', 'There is no such invitation.');
  end if;
  return v_invitation;
end $$;

-- False: it was revoked already.
create or replace function app.revoke_invitation(
  p_user_id uuid, p_invitation_id uuid, p_workspace_id uuid, p_canvas_id uuid, p_request_id text) returns boolean
language plpgsql set search_path = app, pg_temp as $$
declare
  v_workspace_id uuid;
  v_before invitations;
  v_after invitations;
begin
  v_workspace_id := app.lock_invitations(p_user_id, p_workspace_id, p_canvas_id);
  v_before := app.lock_invitation(v_workspace_id, p_canvas_id, p_invitation_id);
  if v_before.status = 'revoked' then
    return false;
  end if;
  if v_before.status not in ('pending', 'expired') then
    perform app.fail('PT409', 'invitation.not_pending', 'This invitation was answered.');
  end if;
  update invitations i set status = 'revoked', updated_at = now()
  where i.workspace_id = v_workspace_id and i.id = p_invitation_id
  returning * into v_after;
  perform app.append_audit(p_user_id, v_workspace_id, p_canvas_id, 'invitation.revoke', 'invitation', p_invitation_id::text,
    app.invitation_note(v_before), app.invitation_note(v_after), p_request_id);
  return true;
end $$;

-- The newest first, after p_before_id. p_status null: all.
create or replace function app.list_invitations(
  p_user_id uuid, p_workspace_id uuid, p_canvas_id uuid, p_status text, p_before_id uuid, p_limit int)
returns table (invitation jsonb) language plpgsql set search_path = app, pg_temp as $$
declare
  v_workspace_id uuid := p_workspace_id;
begin
  if p_canvas_id is null then
    perform app.set_tenant_context(p_user_id, p_workspace_id, 'admin');
  else
    v_workspace_id := (app.set_canvas_context(p_user_id, p_canvas_id, 'admin')).workspace_id;
  end if;
  return query select app.invitation_json(i) from invitations i
    where i.workspace_id = v_workspace_id and (i.canvas_id = p_canvas_id or p_canvas_id is null and i.canvas_id is null)
      and (p_before_id is null or i.id < p_before_id)
      and (p_status is null or p_status = case when i.status = 'pending' and i.expires_at <= now() then 'expired' else i.status end)
    order by i.id desc limit least(greatest(p_limit, 1), 101);
end $$;

-- Who is removed, leaves or is demoted invites nobody any more, and is not awaited on single canvases either. Part of the
-- transaction that does it, in the context of the tenant; definer because it looks up the person's address.
create or replace function app.revoke_invitations_of(p_workspace_id uuid, p_user_id uuid) returns int
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_actor_id constant uuid := nullif(current_setting('app.user_id', true), '')::uuid;
  v_email constant text := (select lower(u.email) from users u where u.id = p_user_id);
  v_before invitations;
  v_after invitations;
  v_count int := 0;
begin
  if p_workspace_id is distinct from nullif(current_setting('app.workspace_id', true), '')::uuid then
    perform app.fail('PT404', 'workspace.not_found', 'There is no such workspace.');
  end if;
  for v_before in
    select * from invitations i
    where i.workspace_id = p_workspace_id and i.status in ('pending', 'expired')
      and (i.invited_by = p_user_id or i.user_id = p_user_id or i.email = v_email)
    order by i.id for update
  loop
    update invitations i set status = 'revoked', updated_at = now() where i.workspace_id = p_workspace_id and i.id = v_before.id
    returning * into v_after;
    perform app.append_audit(coalesce(v_actor_id, p_user_id), p_workspace_id, v_before.canvas_id, 'invitation.revoke', 'invitation',
      v_before.id::text, app.invitation_note(v_before), app.invitation_note(v_after), null);
    v_count := v_count + 1;
  end loop;
  return v_count;
end $$;

-- Who is taken off a canvas, or given less there, does not come back by what was sent before. Part of that transaction, in the
-- context of the canvas; definer because it looks up the person's address.
create or replace function app.revoke_canvas_invitations_of(p_workspace_id uuid, p_canvas_id uuid, p_user_id uuid, p_request_id text)
returns int language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_email constant text := (select lower(u.email) from users u where u.id = p_user_id);
  v_before invitations;
  v_after invitations;
  v_count int := 0;
begin
  if p_canvas_id is distinct from nullif(current_setting('app.canvas_id', true), '')::uuid
    or p_workspace_id is distinct from nullif(current_setting('app.workspace_id', true), '')::uuid then
    perform app.fail('PT404', 'canvas.not_found', 'There is no such canvas.');
  end if;
  for v_before in
    select * from invitations i
    where i.workspace_id = p_workspace_id and i.canvas_id = p_canvas_id and i.status in ('pending', 'expired')
      and (i.user_id = p_user_id or i.email = v_email)
    order by i.id for update
  loop
    update invitations i set status = 'revoked', updated_at = now() where i.workspace_id = p_workspace_id and i.id = v_before.id
    returning * into v_after;
    perform app.append_audit(nullif(current_setting('app.user_id', true), '')::uuid, p_workspace_id, p_canvas_id, 'invitation.revoke',
      'invitation', v_before.id::text, app.invitation_note(v_before), app.invitation_note(v_after), p_request_id);
    v_count := v_count + 1;
  end loop;
  return v_count;
end $$;

grant select, insert, update on app.invitations to app_user;
grant execute on function app.tenant_role_rank, app.invitation_json, app.invitation_note, app.check_invitable, app.lock_invitations,
  app.lock_invitation, app.announce_invitation, app.create_invitation, app.resend_invitation, app.revoke_invitation,
  app.list_invitations, app.revoke_invitations_of, app.revoke_canvas_invitations_of, app.check_person_domain to app_user;
