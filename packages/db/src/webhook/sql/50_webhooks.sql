-- Endpoints and their log, for admins of the workspace.

-- Without the secret.
create or replace function app.webhook_json(w app.webhooks) returns jsonb language sql stable parallel safe
  return jsonb_build_object('id', (w).id, 'workspace_id', (w).workspace_id, 'url', (w).url, 'description', (w).description,
    'event_types', to_jsonb((w).event_types), 'status', (w).status, 'disabled_reason', (w).disabled_reason,
    'disabled_at', app.iso((w).disabled_at), 'consecutive_failures', (w).consecutive_failures,
    'failing_since', app.iso((w).failing_since),
    'previous_secret_expires_at', case when (w).previous_secret_expires_at > now() then app.iso((w).previous_secret_expires_at) end,
    'created_by', (w).created_by, 'created_at', app.iso((w).created_at), 'updated_at', app.iso((w).updated_at));

-- For audit rows: the query of a URL often holds a token.
create or replace function app.webhook_short(w app.webhooks) returns jsonb language sql stable parallel safe
  return jsonb_build_object('url', split_part((w).url, '?', 1), 'event_types', to_jsonb((w).event_types), 'status', (w).status);

create or replace function app.get_own_webhook(p_user_id uuid, p_workspace_id uuid, p_webhook_id uuid, p_lock boolean default false)
returns app.webhooks language plpgsql set search_path = app, pg_temp as $$
declare
  v_webhook webhooks;
begin
  perform app.set_tenant_context(p_user_id, p_workspace_id, 'admin');
  if p_lock then
    select * into v_webhook from webhooks w where w.workspace_id = p_workspace_id and w.id = p_webhook_id for no key update;
  else
    select * into v_webhook from webhooks w where w.workspace_id = p_workspace_id and w.id = p_webhook_id;
  end if;
  if not found then
    perform app.fail('PT404', 'webhook.not_found', 'There is no such webhook.');
  end if;
  return v_webhook;
end $$;

create or replace function app.create_webhook(p_user_id uuid, p_workspace_id uuid, p_webhook_id uuid, p_url text, p_description text,
  p_event_types text[], p_secret text, p_limit int, p_request_id text) returns jsonb
language plpgsql set search_path = app, pg_temp as $$
declare
  v_webhook webhooks;
begin
  perform app.set_tenant_context(p_user_id, p_workspace_id, 'admin');
  -- So that two at once cannot both be the last.
  perform from workspaces w where w.id = p_workspace_id for no key update;
  if (select count(*) from webhooks w where w.workspace_id = p_workspace_id) >= p_limit then
    perform app.fail('PT409', 'webhook.too_many', format('A workspace has at most %s webhooks.', p_limit));
  end if;
  insert into webhooks (id, workspace_id, url, description, event_types, secret, created_by)
  values (p_webhook_id, p_workspace_id, p_url, p_description, p_event_types, p_secret, p_user_id) returning * into v_webhook;
  perform app.append_audit(p_user_id, p_workspace_id, null, 'webhook.create', 'webhook', p_webhook_id::text,
    null, app.webhook_short(v_webhook), p_request_id);
  return app.webhook_json(v_webhook);
end $$;

create or replace function app.get_webhook(p_user_id uuid, p_workspace_id uuid, p_webhook_id uuid) returns jsonb
language plpgsql set search_path = app, pg_temp as $$
begin
  return app.webhook_json(app.get_own_webhook(p_user_id, p_workspace_id, p_webhook_id));
end $$;

create or replace function app.list_webhooks(p_user_id uuid, p_workspace_id uuid) returns jsonb
language plpgsql set search_path = app, pg_temp as $$
begin
  perform app.set_tenant_context(p_user_id, p_workspace_id, 'admin');
  return (select coalesce(jsonb_agg(app.webhook_json(w) order by w.id), '[]') from webhooks w where w.workspace_id = p_workspace_id);
end $$;

-- p_changes: any of url, description, event_types, status. Enabling starts anew; what failed meanwhile can be redelivered.
create or replace function app.update_webhook(p_user_id uuid, p_workspace_id uuid, p_webhook_id uuid, p_changes jsonb, p_request_id text)
returns jsonb language plpgsql set search_path = app, pg_temp as $$
declare
  v_before constant webhooks := app.get_own_webhook(p_user_id, p_workspace_id, p_webhook_id, true);
  v_after webhooks;
  v_status constant text := coalesce(p_changes ->> 'status', v_before.status);
  v_changed constant boolean := v_status <> v_before.status;
begin
  update webhooks w set
    url = coalesce(p_changes ->> 'url', w.url), description = coalesce(p_changes ->> 'description', w.description),
    event_types = case when p_changes ? 'event_types'
      then array(select jsonb_array_elements_text(p_changes -> 'event_types')) else w.event_types end,
    status = v_status,
    disabled_reason = case when not v_changed then w.disabled_reason when v_status = 'disabled' then 'manual' end,
    disabled_at = case when not v_changed then w.disabled_at when v_status = 'disabled' then now() end,
    consecutive_failures = case when v_changed then 0 else w.consecutive_failures end,
    failing_since = case when v_changed then null else w.failing_since end,
    updated_at = now()
  where w.workspace_id = p_workspace_id and w.id = p_webhook_id returning * into v_after;
  perform app.append_audit(p_user_id, p_workspace_id, null, 'webhook.update', 'webhook', p_webhook_id::text,
    app.webhook_short(v_before), app.webhook_short(v_after), p_request_id);
  if v_changed and v_status = 'disabled' then
    perform app.wake_webhook(p_workspace_id, p_webhook_id, now(), p_request_id);
  end if;
  return app.webhook_json(v_after);
end $$;

-- The jobs forget its deliveries.
create or replace function app.delete_webhook(p_user_id uuid, p_workspace_id uuid, p_webhook_id uuid, p_request_id text) returns void
language plpgsql set search_path = app, pg_temp as $$
declare
  v_webhook constant webhooks := app.get_own_webhook(p_user_id, p_workspace_id, p_webhook_id, true);
begin
  delete from webhooks w where w.workspace_id = p_workspace_id and w.id = p_webhook_id;
  perform app.append_audit(p_user_id, p_workspace_id, null, 'webhook.delete', 'webhook', p_webhook_id::text,
    app.webhook_short(v_webhook), null, p_request_id);
  perform app.wake_webhook(p_workspace_id, p_webhook_id, now(), p_request_id);
end $$;

-- The secret that was goes on signing, beside the new one, for p_overlap.
create or replace function app.rotate_webhook_secret(p_user_id uuid, p_workspace_id uuid, p_webhook_id uuid, p_secret text,
  p_overlap interval, p_request_id text) returns jsonb
language plpgsql set search_path = app, pg_temp as $$
declare
  v_webhook webhooks := app.get_own_webhook(p_user_id, p_workspace_id, p_webhook_id, true);
begin
  update webhooks w set previous_secret = w.secret, previous_secret_expires_at = now() + p_overlap, secret = p_secret, updated_at = now()
  where w.workspace_id = p_workspace_id and w.id = p_webhook_id returning * into v_webhook;
  perform app.append_audit(p_user_id, p_workspace_id, null, 'webhook.rotate_secret', 'webhook', p_webhook_id::text,
    null, jsonb_build_object('previous_secret_expires_at', app.iso(v_webhook.previous_secret_expires_at)), p_request_id);
  return app.webhook_json(v_webhook);
end $$;

create or replace function app.check_webhook_enabled(w app.webhooks) returns void
language plpgsql immutable set search_path = app, pg_temp as $$
begin
  if w.status <> 'enabled' then
    perform app.fail('PT409', 'webhook.disabled', 'This webhook is disabled; enable it first.');
  end if;
end $$;

create or replace function app.test_webhook(p_user_id uuid, p_workspace_id uuid, p_webhook_id uuid, p_request_id text) returns jsonb
language plpgsql set search_path = app, pg_temp as $$
declare
  v_id uuid;
begin
  perform app.check_webhook_enabled(app.get_own_webhook(p_user_id, p_workspace_id, p_webhook_id));
  v_id := app.add_webhook_delivery(p_workspace_id, p_webhook_id, 'webhook.test', now(),
    app.webhook_event(p_workspace_id, null, 'user', p_user_id, null, 'webhook', p_webhook_id::text, null, null, p_request_id), p_request_id);
  perform app.append_audit(p_user_id, p_workspace_id, null, 'webhook.test', 'webhook', p_webhook_id::text,
    null, jsonb_build_object('delivery_id', v_id), p_request_id);
  return (select app.webhook_delivery_json(d) from webhook_deliveries d where d.workspace_id = p_workspace_id and d.id = v_id);
end $$;

create or replace function app.webhook_delivery_json(d app.webhook_deliveries) returns jsonb language sql stable parallel safe
  return jsonb_build_object('id', (d).id, 'webhook_id', (d).webhook_id, 'event_type', (d).event_type, 'status', (d).status,
    'attempts', (d).attempts, 'next_attempt_at', app.iso((d).next_attempt_at), 'last_attempt_at', app.iso((d).last_attempt_at),
    'last_status', (d).last_status, 'last_latency_ms', (d).last_latency_ms, 'last_error', (d).last_error,
    'created_at', app.iso((d).created_at));

-- Newest first; ids are in the order of time.
create or replace function app.list_webhook_deliveries(p_user_id uuid, p_workspace_id uuid, p_webhook_id uuid, p_status text,
  p_event_type text, p_before_id uuid, p_limit int) returns jsonb
language plpgsql set search_path = app, pg_temp as $$
begin
  perform app.get_own_webhook(p_user_id, p_workspace_id, p_webhook_id);
  return (
    select coalesce(jsonb_agg(app.webhook_delivery_json(page) order by page.id desc), '[]') from (
      select d.* from webhook_deliveries d
      where d.workspace_id = p_workspace_id and d.webhook_id = p_webhook_id
        and (p_before_id is null or d.id < p_before_id)
        and (p_status is null or d.status = p_status) and (p_event_type is null or d.event_type = p_event_type)
      order by d.id desc limit least(greatest(p_limit, 1), 500)) page);
end $$;

create or replace function app.get_webhook_delivery(p_user_id uuid, p_workspace_id uuid, p_webhook_id uuid, p_delivery_id uuid)
returns jsonb language plpgsql set search_path = app, pg_temp as $$
declare
  v_delivery webhook_deliveries;
begin
  perform app.get_own_webhook(p_user_id, p_workspace_id, p_webhook_id);
  select * into v_delivery from webhook_deliveries d
  where d.workspace_id = p_workspace_id and d.webhook_id = p_webhook_id and d.id = p_delivery_id;
  if not found then
    perform app.fail('PT404', 'webhook.delivery_not_found', 'There is no such delivery.');
  end if;
  return app.webhook_delivery_json(v_delivery)
    || jsonb_build_object('payload', v_delivery.payload, 'response_excerpt', v_delivery.response_excerpt);
end $$;

-- The same message under the same id, at once, and again by the whole schedule should it fail.
create or replace function app.redeliver_webhook(p_user_id uuid, p_workspace_id uuid, p_webhook_id uuid, p_delivery_id uuid,
  p_request_id text) returns jsonb
language plpgsql set search_path = app, pg_temp as $$
declare
  v_before text;
  v_delivery webhook_deliveries;
begin
  perform app.check_webhook_enabled(app.get_own_webhook(p_user_id, p_workspace_id, p_webhook_id));
  select d.status into v_before from webhook_deliveries d
  where d.workspace_id = p_workspace_id and d.webhook_id = p_webhook_id and d.id = p_delivery_id for no key update;
  update webhook_deliveries d set status = 'pending', step = 0, first_attempt_at = null, next_attempt_at = clock_timestamp()
  where d.workspace_id = p_workspace_id and d.webhook_id = p_webhook_id and d.id = p_delivery_id returning * into v_delivery;
  if not found then
    perform app.fail('PT404', 'webhook.delivery_not_found', 'There is no such delivery.');
  end if;
  perform app.append_audit(p_user_id, p_workspace_id, null, 'webhook.redeliver', 'webhook', p_webhook_id::text,
    jsonb_build_object('delivery_id', p_delivery_id, 'status', v_before),
    jsonb_build_object('delivery_id', p_delivery_id, 'status', v_delivery.status), p_request_id);
  perform app.wake_webhook(p_workspace_id, p_webhook_id, now(), p_request_id);
  return app.webhook_delivery_json(v_delivery);
end $$;

grant select, insert, update, delete on app.webhooks to app_user;
grant select, insert, update on app.webhook_deliveries to app_user;
grant execute on function app.webhook_json, app.webhook_short, app.get_own_webhook, app.create_webhook, app.get_webhook, app.list_webhooks,
  app.update_webhook, app.delete_webhook, app.rotate_webhook_secret, app.check_webhook_enabled, app.test_webhook,
  app.webhook_delivery_json, app.list_webhook_deliveries, app.get_webhook_delivery, app.redeliver_webhook to app_user;
