create or replace function app.api_key_json(k app.api_keys) returns jsonb language sql stable parallel safe
  return jsonb_build_object('id', (k).id, 'workspace_id', (k).workspace_id, 'name', (k).name, 'scopes', to_jsonb((k).scopes),
    'prefix', (k).prefix, 'last_four', (k).last_four, 'created_by', (k).created_by, 'created_at', app.iso((k).created_at),
    'expires_at', app.iso((k).expires_at), 'last_used_at', app.iso((k).last_used_at), 'revoked_at', app.iso((k).revoked_at));

-- A key and the user that it acts as, a member of this one workspace and of no other: `admin` for the scope workspace:admin,
-- else `member`. Definer, since nobody may make users. Keys make no keys: what leaks must not outlive its revocation.
create or replace function app.create_api_key(p_user_id uuid, p_workspace_id uuid, p_id uuid, p_name text, p_scopes text[],
  p_prefix text, p_last_four text, p_key_hash bytea, p_expires_at timestamptz, p_request_id text) returns jsonb
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_max constant int := 200;
  v_key api_keys;
begin
  perform app.lock_workspace(p_user_id, p_workspace_id, 'admin');
  if not app.user_exists(p_user_id) then
    perform app.fail('PT403', 'api_key.keys_make_no_keys', 'An API key cannot make another.');
  end if;
  if (select count(*) from api_keys k
    where k.workspace_id = p_workspace_id and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())) >= v_max then
    perform app.fail('PT409', 'api_key.too_many', format('A workspace has at most %s API keys; revoke those that nobody uses.', v_max));
  end if;
  insert into users (id, name, kind) values (p_id, p_name, 'api_key');
  insert into workspace_members (workspace_id, user_id, role)
  values (p_workspace_id, p_id, case when 'workspace:admin' = any (p_scopes) then 'admin' else 'member' end);
  insert into api_keys (id, workspace_id, name, scopes, prefix, last_four, key_hash, created_by, expires_at)
  values (p_id, p_workspace_id, p_name, p_scopes, p_prefix, p_last_four, p_key_hash, p_user_id, p_expires_at)
  returning * into v_key;
  perform app.append_audit(p_user_id, p_workspace_id, null, 'api_key.create', 'api_key', p_id::text, null,
    jsonb_build_object('name', p_name, 'scopes', to_jsonb(p_scopes), 'last_four', p_last_four, 'expires_at', app.iso(p_expires_at)),
    p_request_id);
  return app.api_key_json(v_key);
end $$;

-- For whoever presents a key: its hash is the proof. No row: none like it, or revoked before its end, or of a deleted workspace. Notes the use,
-- at most once a minute and without waiting for another replica that does so right now.
create or replace function app.use_api_key(p_key_hash bytea)
returns table (id uuid, workspace_id uuid, name text, scopes jsonb, expires_at timestamptz)
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  update api_keys k set last_used_at = now()
  where k.id = (select due.id from api_keys due
    where due.key_hash = p_key_hash and due.revoked_at is null and (due.expires_at is null or due.expires_at > now())
      and (due.last_used_at is null or due.last_used_at < now() - interval '1 minute')
    for no key update skip locked);
  return query select k.id, k.workspace_id, k.name, to_jsonb(k.scopes), k.expires_at
    from api_keys k join workspaces w on w.id = k.workspace_id and w.deleted_at is null
    where k.key_hash = p_key_hash and (k.revoked_at is null or k.expires_at <= now());
end $$;

-- Newest first, the revoked too. The cursor is the last id read.
create or replace function app.list_api_keys(p_user_id uuid, p_workspace_id uuid, p_cursor_id uuid, p_limit int)
returns table (api_key jsonb) language plpgsql set search_path = app, pg_temp as $$
begin
  perform app.set_tenant_context(p_user_id, p_workspace_id, 'admin');
  return query select app.api_key_json(k) from api_keys k
    where k.workspace_id = p_workspace_id and k.id < coalesce(p_cursor_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
    order by k.id desc limit least(greatest(p_limit, 1), 501);
end $$;

-- The end of a key at every door: who is no member sees nothing. The caller is in the tenant's context or a definer function,
-- and has locked the workspace. False: it was so already.
create or replace function app.end_api_key(p_actor_user_id uuid, p_workspace_id uuid, p_api_key_id uuid, p_request_id text)
returns boolean language plpgsql set search_path = app, pg_temp as $$
declare
  v_key api_keys;
begin
  update api_keys k set revoked_at = now(), revoked_by = p_actor_user_id
  where k.workspace_id = p_workspace_id and k.id = p_api_key_id and k.revoked_at is null
  returning * into v_key;
  if not found then
    return false;
  end if;
  delete from canvas_access a where a.workspace_id = p_workspace_id and a.user_id = p_api_key_id;
  delete from workspace_members m where m.workspace_id = p_workspace_id and m.user_id = p_api_key_id;
  perform app.bump_workspace_access(p_workspace_id);
  perform app.revoke_invitations_of(p_workspace_id, p_api_key_id);
  perform app.disable_webhooks_of(p_workspace_id, p_api_key_id);
  perform app.append_audit(p_actor_user_id, p_workspace_id, null, 'api_key.revoke', 'api_key', p_api_key_id::text,
    jsonb_build_object('name', v_key.name, 'scopes', to_jsonb(v_key.scopes), 'last_four', v_key.last_four), null, p_request_id);
  return true;
end $$;

create or replace function app.revoke_api_key(p_user_id uuid, p_workspace_id uuid, p_api_key_id uuid, p_request_id text)
returns boolean language plpgsql set search_path = app, pg_temp as $$
begin
  perform app.lock_workspace(p_user_id, p_workspace_id, 'admin');
  if not exists (select from api_keys k where k.workspace_id = p_workspace_id and k.id = p_api_key_id) then
    perform app.fail('PT404', 'api_key.not_found', 'There is no such API key.');
  end if;
  return app.end_api_key(p_user_id, p_workspace_id, p_api_key_id, p_request_id);
end $$;

-- The keys that somebody made, when they stop being an admin. Whoever's context it is takes them away.
create or replace function app.revoke_api_keys_of(p_workspace_id uuid, p_user_id uuid) returns void
language plpgsql set search_path = app, pg_temp as $$
declare
  v_actor_user_id constant uuid := nullif(current_setting('app.user_id', true), '')::uuid;
  v_id uuid;
begin
  for v_id in
    select k.id from api_keys k where k.workspace_id = p_workspace_id and k.created_by = p_user_id and k.revoked_at is null
  loop
    perform app.end_api_key(coalesce(v_actor_user_id, p_user_id), p_workspace_id, v_id, null);
  end loop;
end $$;

-- No door lets an expired key in; here its membership ends too, so that no wall would. For a job, in batches.
create or replace function app.expire_api_keys(p_limit int) returns int
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_key api_keys;
  v_count int := 0;
begin
  for v_key in
    select * from api_keys k where k.revoked_at is null and k.expires_at <= now()
    order by k.expires_at limit least(p_limit, 10000) for update skip locked
  loop
    update api_keys k set revoked_at = now() where k.id = v_key.id;
    delete from canvas_access a where a.workspace_id = v_key.workspace_id and a.user_id = v_key.id;
    delete from workspace_members m where m.workspace_id = v_key.workspace_id and m.user_id = v_key.id;
    perform app.disable_webhooks_made_by(v_key.workspace_id, v_key.id);
    perform app.append_system_audit('platform.expire', v_key.workspace_id, null, 'api_key.revoke', 'api_key', v_key.id::text,
      jsonb_build_object('name', v_key.name, 'scopes', to_jsonb(v_key.scopes), 'expires_at', app.iso(v_key.expires_at)), null, null);
    perform set_config('app.workspace_id', v_key.workspace_id::text, true);
    perform app.revoke_invitations_of(v_key.workspace_id, v_key.id);
    v_count := v_count + 1;
  end loop;
  perform set_config('app.workspace_id', '', true);
  return v_count;
end $$;

grant select, update on app.api_keys to app_user;
grant execute on function app.api_key_json, app.create_api_key, app.use_api_key, app.list_api_keys, app.end_api_key,
  app.revoke_api_key, app.revoke_api_keys_of to app_user;
grant execute on function app.expire_api_keys to job_user;
