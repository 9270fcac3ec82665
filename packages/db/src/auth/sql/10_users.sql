-- The user's row, personal workspace and event head, made on first sight. Safe to call on every token, by several at once, in any
-- order: of two tokens the one that was made later tells the address. p_issued_at null: now.
create or replace function app.ensure_user(p_user_id uuid, p_email text, p_name text, p_issued_at timestamptz default null,
  out user_id uuid, out email text, out name text, out personal_workspace_id uuid)
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  select u.id, u.email, u.name, w.id into user_id, email, name, personal_workspace_id
  from users u join workspaces w on w.owner_user_id = u.id and w.is_personal
  where u.id = p_user_id and u.email is not distinct from p_email and (u.name <> '' or coalesce(p_name, '') = '');
  if found then
    return;
  end if;
  insert into users as u (id, email, email_as_of, name) values (p_user_id, p_email, p_issued_at, coalesce(p_name, ''))
  on conflict (id) do update
  set email = excluded.email, email_as_of = coalesce(excluded.email_as_of, u.email_as_of), updated_at = now()
  where u.email is distinct from excluded.email and (u.email_as_of <= excluded.email_as_of) is not false;
  update users u set name = p_name, updated_at = now() where u.id = p_user_id and u.name = '' and p_name <> '';
  insert into workspaces (id, name, owner_user_id, is_personal) values (app.uuidv7(), 'Personal', p_user_id, true)
  on conflict (owner_user_id) where is_personal do nothing;
  insert into user_heads (user_id) values (p_user_id) on conflict do nothing;
  select u.id, u.email, u.name, w.id into user_id, email, name, personal_workspace_id
  from users u join workspaces w on w.owner_user_id = u.id and w.is_personal
  where u.id = p_user_id;
end $$;
grant execute on function app.ensure_user to app_user;
