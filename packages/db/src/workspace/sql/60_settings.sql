create or replace function app.settings_json(s app.workspace_settings) returns jsonb language sql stable parallel safe
  return jsonb_build_object('cors_origins', to_jsonb((s).cors_origins), 'rate_limits', (s).rate_limits, 'locale', (s).locale,
    'time_zone', (s).time_zone, 'invite_domains', to_jsonb((s).invite_domains), 'features', (s).features,
    'version', (s).version, 'updated_at', app.iso((s).updated_at));

-- What a workspace has that never changed anything. Version 0: no row has it.
create or replace function app.default_settings() returns jsonb language sql immutable parallel safe
  return '{"cors_origins": [], "rate_limits": [], "locale": "en", "time_zone": "UTC", "invite_domains": [], "features": {},
    "version": 0, "updated_at": null}'::jsonb;

create or replace function app.get_workspace_settings(p_user_id uuid, p_workspace_id uuid) returns jsonb
language plpgsql set search_path = app, pg_temp as $$
begin
  perform app.set_tenant_context(p_user_id, p_workspace_id, 'member');
  return coalesce((select app.settings_json(s) from workspace_settings s where s.workspace_id = p_workspace_id), app.default_settings());
end $$;

-- Only what p_patch names. p_expected_version null: whatever it is now. The cache is told by the outbox too, so that it
-- forgets also what a Redis that is away could not be told.
create or replace function app.update_workspace_settings(p_user_id uuid, p_workspace_id uuid, p_expected_version int,
  p_patch jsonb, p_request_id text, p_traceparent text) returns jsonb
language plpgsql set search_path = app, pg_temp as $$
declare
  v_before jsonb;
  v_after jsonb;
begin
  perform app.lock_workspace(p_user_id, p_workspace_id, 'admin');
  v_before := app.get_workspace_settings(p_user_id, p_workspace_id);
  if p_expected_version <> (v_before ->> 'version')::int then
    perform app.fail('PT412', 'settings.version_conflict', 'The settings were changed meanwhile.', jsonb_build_object('current', v_before));
  end if;
  v_after := v_before || p_patch
    || jsonb_build_object('features', (v_before -> 'features') || coalesce(p_patch -> 'features', '{}'));
  insert into workspace_settings as s (workspace_id, cors_origins, rate_limits, locale, time_zone, invite_domains, features)
  values (p_workspace_id, app.text_items(v_after -> 'cors_origins'), v_after -> 'rate_limits', v_after ->> 'locale',
    v_after ->> 'time_zone', app.text_items(v_after -> 'invite_domains'), v_after -> 'features')
  on conflict (workspace_id) do update
  set cors_origins = excluded.cors_origins, rate_limits = excluded.rate_limits, locale = excluded.locale,
    time_zone = excluded.time_zone, invite_domains = excluded.invite_domains, features = excluded.features,
    version = s.version + 1, updated_at = clock_timestamp()
  returning app.settings_json(s) into v_after;
  perform app.append_audit(p_user_id, p_workspace_id, null, 'settings.update', 'workspace', p_workspace_id::text,
    app.pick_fields(v_before, p_patch), app.pick_fields(v_after, p_patch), p_request_id);
  insert into outbox (id, topic, workspace_id, user_id, payload, traceparent, request_id)
  values (app.uuidv7(), 'cache.invalidate', p_workspace_id, p_user_id, jsonb_build_object('namespace', p_workspace_id),
    p_traceparent, p_request_id);
  return v_after;
end $$;

create or replace function app.text_items(p_list jsonb) returns text[] language sql immutable parallel safe
  return array(select jsonb_array_elements_text(p_list));

-- Of p_row the fields that p_patch has too: what an audit row tells.
create or replace function app.pick_fields(p_row jsonb, p_patch jsonb) returns jsonb language sql immutable parallel safe
  return (select jsonb_object_agg(r.key, r.value) from jsonb_each(p_row) r where p_patch ? r.key);

-- For the services themselves, which act by a tenant's settings before they know of any person. Settings are no secret of
-- a member's, and never leave the service.
create or replace function app.read_workspace_settings(p_workspace_id uuid) returns jsonb
language plpgsql stable security definer set search_path = app, pg_temp as $$
begin
  return coalesce((select app.settings_json(s) from workspace_settings s where s.workspace_id = p_workspace_id), app.default_settings());
end $$;

create or replace function app.is_tenant_origin(p_origin text) returns boolean
language plpgsql stable security definer set search_path = app, pg_temp as $$
begin
  return exists (select from workspace_settings s join workspaces w on w.id = s.workspace_id and w.deleted_at is null
    where s.cors_origins @> array[p_origin]);
end $$;

-- p_default: how it is where the workspace has not said. Only inside other functions, after access is decided.
create or replace function app.is_feature_enabled(p_workspace_id uuid, p_name text, p_default boolean default true) returns boolean
language plpgsql stable security definer set search_path = app, pg_temp as $$
begin
  return coalesce((select (s.features ->> p_name)::boolean from workspace_settings s where s.workspace_id = p_workspace_id), p_default);
end $$;

create or replace function app.check_feature(p_workspace_id uuid, p_name text) returns void
language plpgsql set search_path = app, pg_temp as $$
begin
  if not app.is_feature_enabled(p_workspace_id, p_name) then
    perform app.fail('PT403', 'feature.disabled', format('This workspace has switched off: %s.', p_name), jsonb_build_object('feature', p_name));
  end if;
end $$;

grant select, insert, update on app.workspace_settings to app_user;
grant execute on function app.settings_json, app.default_settings, app.get_workspace_settings, app.update_workspace_settings,
  app.text_items, app.pick_fields, app.read_workspace_settings, app.is_tenant_origin, app.is_feature_enabled,
  app.check_feature to app_user;
grant execute on function app.read_workspace_settings, app.is_feature_enabled to job_user;
