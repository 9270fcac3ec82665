-- One message for one endpoint, and the word to whoever delivers, both in the transaction of what it tells of.
create or replace function app.add_webhook_delivery(p_workspace_id uuid, p_webhook_id uuid, p_type text, p_at timestamptz, p_data json,
  p_request_id text) returns uuid
language plpgsql set search_path = app, pg_temp as $$
declare
  v_id constant uuid := app.uuidv7();
begin
  insert into webhook_deliveries (id, workspace_id, webhook_id, event_type, payload, next_attempt_at, created_at)
  values (v_id, p_workspace_id, p_webhook_id, p_type,
    json_build_object('type', p_type, 'timestamp', app.iso(p_at), 'data', p_data), clock_timestamp(), clock_timestamp());
  perform app.wake_webhook(p_workspace_id, p_webhook_id, now(), p_request_id);
  return v_id;
end $$;

-- Makes the jobs look what is due for an endpoint, at p_at.
create or replace function app.wake_webhook(p_workspace_id uuid, p_webhook_id uuid, p_at timestamptz, p_request_id text) returns void
language plpgsql set search_path = app, pg_temp as $$
begin
  insert into outbox (id, topic, workspace_id, payload, request_id, available_at)
  values (app.uuidv7(), 'webhook.deliver', p_workspace_id,
    jsonb_build_object('workspace_id', p_workspace_id, 'webhook_id', p_webhook_id), p_request_id, p_at);
end $$;

create or replace function app.webhook_event(p_workspace_id uuid, p_canvas_id uuid, p_actor_type text, p_actor_user_id uuid, p_reason text,
  p_target_type text, p_target_id text, p_before jsonb, p_after jsonb, p_request_id text) returns json
language sql stable parallel safe
  return json_build_object('workspace_id', p_workspace_id, 'canvas_id', p_canvas_id,
    'actor', json_build_object('type', p_actor_type, 'user_id', p_actor_user_id, 'reason', p_reason),
    'target', json_build_object('type', p_target_type, 'id', p_target_id),
    'before', p_before, 'after', p_after, 'request_id', p_request_id);

-- The endpoints of a workspace that want a type of event. p_by_name: only those that name it, or its kind; who names nothing wants what is
-- audited, and no more. Its caller's plan takes it in.
create or replace function app.find_webhooks(p_workspace_id uuid, p_type text, p_by_name boolean) returns table (id uuid)
language sql stable
begin atomic
  select w.id from app.webhooks w
  where w.workspace_id = p_workspace_id and w.status = 'enabled'
    and ((w.event_types = '{}' and not p_by_name) or p_type = any (w.event_types)
      or split_part(p_type, '.', 1) || '.*' = any (w.event_types));
end;

-- What is audited is delivered. A trigger, so that nobody can be told of what was not audited, and whoever may write the audit
-- row (its policy decides) needs no right to see the tenant's endpoints. Without one it costs a probe of an index.
create or replace function app.emit_webhooks() returns trigger
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_webhook_id uuid;
  -- Not the query of the loop, for which each would pay a cursor.
  v_webhook_ids constant uuid[] := array(select f.id from app.find_webhooks(new.workspace_id, new.action, false) f);
begin
  foreach v_webhook_id in array v_webhook_ids loop
    perform app.add_webhook_delivery(new.workspace_id, v_webhook_id, new.action, new.created_at,
      app.webhook_event(new.workspace_id, new.canvas_id, new.actor_type, new.actor_user_id, new.reason, new.target_type,
        new.target_id, new.before, new.after, new.request_id), new.request_id);
  end loop;
  return null;
end $$;

-- Not of sending itself: whoever asks for a test or for a message again gets that message, and no other about it.
create or replace trigger audit_logs_emit_webhooks after insert on app.audit_logs
  for each row when (new.workspace_id is not null and new.action not in ('webhook.test', 'webhook.redeliver')) execute function app.emit_webhooks();

grant execute on function app.add_webhook_delivery, app.wake_webhook, app.webhook_event to app_user;
