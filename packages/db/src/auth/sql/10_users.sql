-- The user's row, personal workspace with a calendar, and event head, made on first sight. Safe to call on every token, by several at once, in any
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
    perform app.create_first_calendar(p_user_id, personal_workspace_id);
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

-- What somebody is told of themselves. Locale null: they have chosen none.
create or replace function app.get_me(p_user_id uuid) returns jsonb
language plpgsql stable security definer set search_path = app, pg_temp as $$
declare
  v_me jsonb;
begin
  select jsonb_build_object('user_id', u.id, 'email', u.email, 'name', u.name, 'locale', u.locale, 'time_zone', u.time_zone,
    'personal_workspace_id', w.id) into v_me
  from users u join workspaces w on w.owner_user_id = u.id and w.is_personal
  where u.id = p_user_id and u.kind = 'person';
  if v_me is null then
    perform app.fail('PT404', 'user.not_found', 'There is no such user.');
  end if;
  return v_me;
end $$;

-- p_patch: any of name, locale, time_zone. Audited in the personal workspace, if anything changes. A name that was chosen stays:
-- ensure_user gives one only where there is none.
create or replace function app.update_me(p_user_id uuid, p_patch jsonb, p_request_id text) returns jsonb
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_before jsonb;
  v_after jsonb;
begin
  perform from users u where u.id = p_user_id for no key update;
  v_before := app.get_me(p_user_id);
  update users u set name = coalesce(p_patch ->> 'name', u.name), locale = coalesce(p_patch ->> 'locale', u.locale),
    time_zone = coalesce(p_patch ->> 'time_zone', u.time_zone), updated_at = now()
  where u.id = p_user_id;
  v_after := app.get_me(p_user_id);
  if v_after -> 'time_zone' <> v_before -> 'time_zone' then
    perform app.follow_time_zone(p_user_id, (v_after ->> 'personal_workspace_id')::uuid, v_before ->> 'time_zone', v_after ->> 'time_zone',
      p_request_id);
  end if;
  if v_after <> v_before then
    perform app.append_audit(p_user_id, (v_after ->> 'personal_workspace_id')::uuid, null, 'user.update', 'user', p_user_id::text,
      (select jsonb_object_agg(b.key, b.value) from jsonb_each(v_before) b where b.value <> v_after -> b.key),
      (select jsonb_object_agg(a.key, a.value) from jsonb_each(v_after) a where a.value <> v_before -> a.key), p_request_id);
  end if;
  return v_after;
end $$;
grant execute on function app.ensure_user, app.get_me, app.update_me to app_user;
