-- The user's row, personal workspace and event head, made on first sight. Safe to call on every token, by several at once, in any
-- order: of two tokens the one that was made later tells the address. p_issued_at null: now. Audited in the personal workspace.
create or replace function app.ensure_user(p_user_id uuid, p_email text, p_name text, p_issued_at timestamptz default null,
  out user_id uuid, out email text, out name text, out personal_workspace_id uuid)
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_before users;
  v_is_changed boolean;
begin
  select u.id, u.email, u.name, w.id into user_id, email, name, personal_workspace_id
  from users u join workspaces w on w.owner_user_id = u.id and w.is_personal
  where u.id = p_user_id and u.email is not distinct from p_email and (u.name <> '' or coalesce(p_name, '') = '');
  if found then
    return;
  end if;
  select * into v_before from users u where u.id = p_user_id;
  insert into users as u (id, email, email_as_of, name) values (p_user_id, p_email, p_issued_at, coalesce(p_name, ''))
  on conflict (id) do update
  set email = excluded.email, email_as_of = coalesce(excluded.email_as_of, u.email_as_of), updated_at = now()
  where u.email is distinct from excluded.email and (u.email_as_of <= excluded.email_as_of) is not false;
  v_is_changed := found and v_before.id is not null;
  update users u set name = p_name, updated_at = now() where u.id = p_user_id and u.name = '' and p_name <> '';
  insert into workspaces (id, name, owner_user_id, is_personal) values (app.uuidv7(), 'Personal', p_user_id, true)
  on conflict (owner_user_id) where is_personal do nothing returning id into personal_workspace_id;
  if found then
    perform app.append_audit(p_user_id, personal_workspace_id, null, 'workspace.create', 'workspace', personal_workspace_id::text,
      null, '{"name": "Personal", "is_personal": true}', null);
  end if;
  insert into user_heads (user_id) values (p_user_id) on conflict do nothing;
  select u.id, u.email, u.name, w.id into user_id, email, name, personal_workspace_id
  from users u join workspaces w on w.owner_user_id = u.id and w.is_personal
  where u.id = p_user_id;
  if v_is_changed then
    perform app.append_audit(p_user_id, personal_workspace_id, null, 'user.update', 'user', p_user_id::text,
      jsonb_build_object('email', v_before.email), jsonb_build_object('email', email), null);
  end if;
end $$;
grant execute on function app.ensure_user to app_user;
