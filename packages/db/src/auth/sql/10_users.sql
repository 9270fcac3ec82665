-- The user's row, personal workspace and event head, made on first sight. Safe to call on every token, by several at once.
create or replace function app.ensure_user(p_user_id uuid, p_email text, p_name text,
  out user_id uuid, out email text, out name text, out personal_workspace_id uuid)
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  select u.id, u.email, u.name, w.id into user_id, email, name, personal_workspace_id
  from users u join workspaces w on w.owner_user_id = u.id and w.is_personal
  where u.id = p_user_id and u.email is not distinct from p_email and (u.name <> '' or coalesce(p_name, '') = '');
  if found then
    return;
  end if;
  insert into users as u (id, email, name) values (p_user_id, p_email, coalesce(p_name, ''))
  on conflict (id) do update
  set email = excluded.email, name = case when u.name = '' then excluded.name else u.name end, updated_at = now()
  where u.email is distinct from excluded.email or (u.name = '' and excluded.name <> '');
  insert into workspaces (id, name, owner_user_id, is_personal) values (app.uuidv7(), 'Personal', p_user_id, true)
  on conflict (owner_user_id) where is_personal do nothing;
  insert into user_heads (user_id) values (p_user_id) on conflict do nothing;
  select u.id, u.email, u.name, w.id into user_id, email, name, personal_workspace_id
  from users u join workspaces w on w.owner_user_id = u.id and w.is_personal
  where u.id = p_user_id;
end $$;
grant execute on function app.ensure_user to app_user;
