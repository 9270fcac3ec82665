-- What the jobs do. Whoever sends to an endpoint holds its lease, under the id of their job: only one does in the whole cluster,
-- and others who are told of work for it leave, since the holder looks once more before letting go. Both look and let go under
-- the lock of the endpoint's row. A job that dies with its process is run again under the same id, and goes on.

-- Endpoints that one owner, with all their workspaces, is delivered to at once. Whoever owns many that answer slowly keeps
-- their own waiting, and no other tenant's.
create or replace function app.webhook_share() returns int language sql immutable parallel safe
  return 16;

-- Whether an owner's endpoints are at their share without this one. One after the other for an owner, so that two do not take
-- the same last place; by the owner's workspaces, which are few.
create or replace function app.is_webhook_share_taken(p_workspace_id uuid, p_webhook_id uuid, p_at timestamptz) returns boolean
language plpgsql set search_path = app, pg_temp as $$
declare
  v_owner_user_id constant uuid := (select w.owner_user_id from workspaces w where w.id = p_workspace_id);
begin
  perform pg_advisory_xact_lock(7236008, hashtext(v_owner_user_id::text));
  return (
    select count(*) >= app.webhook_share()
    from workspaces w join webhooks l on l.workspace_id = w.id and l.lease_until > p_at and l.id <> p_webhook_id
    where w.owner_user_id = v_owner_user_id);
end $$;

-- When a lease ends: the endpoint of the same owner that has waited longest for its turn gets it.
create or replace function app.wake_waiting_webhook(p_workspace_id uuid, p_webhook_id uuid, p_at timestamptz) returns void
language plpgsql set search_path = app, pg_temp as $$
begin
  perform app.wake_webhook(n.workspace_id, n.id, now(), null) from (
    select h.workspace_id, h.id
    from workspaces o join workspaces w on w.owner_user_id = o.owner_user_id
    join webhooks h on h.workspace_id = w.id and h.id <> p_webhook_id and coalesce(h.lease_until < p_at, true)
    cross join lateral (
      select d.next_attempt_at from webhook_deliveries d
      where d.webhook_id = h.id and d.status = 'pending' and d.next_attempt_at <= p_at
      order by d.next_attempt_at, d.id limit 1) due
    where o.id = p_workspace_id
    order by due.next_attempt_at limit 1) n;
end $$;

-- What is due for an endpoint, oldest first, at most p_limit; one alone while the endpoint fails. `state`: work, idle (nothing
-- is due; the lease is let go), more (ask again), held (another has it, or the owner has their share: whoever lets go of a lease
-- of theirs has the next looked at), gone (deleted).
create or replace function app.take_webhook_deliveries(p_webhook_id uuid, p_holder uuid, p_limit int, p_lease interval) returns jsonb
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_webhook webhooks;
  v_at timestamptz;
  v_deliveries jsonb;
begin
  select * into v_webhook from webhooks w where w.id = p_webhook_id for no key update;
  if not found then
    return '{"state": "gone"}';
  end if;
  v_at := clock_timestamp();
  if v_webhook.lease_holder <> p_holder and v_webhook.lease_until > v_at then
    return '{"state": "held"}';
  end if;
  if v_webhook.status = 'disabled' then
    update webhook_deliveries d set status = 'failed', next_attempt_at = null, last_error = 'The webhook is disabled'
    where d.id in (select p.id from webhook_deliveries p where p.webhook_id = p_webhook_id and p.status = 'pending' limit 1000);
    if found then
      return '{"state": "more"}';
    end if;
  end if;
  select jsonb_agg(jsonb_build_object('id', d.id, 'event_type', d.event_type, 'body', d.payload::text, 'attempts', d.attempts,
    'step', d.step) order by d.next_attempt_at, d.id) into v_deliveries
  from (select * from webhook_deliveries p
    where p.webhook_id = p_webhook_id and p.status = 'pending' and p.next_attempt_at <= v_at
    order by p.next_attempt_at, p.id limit case when v_webhook.consecutive_failures > 0 then 1 else p_limit end) d;
  -- None for a disabled one: all have failed just now.
  if v_deliveries is null then
    update webhooks w set lease_holder = null, lease_until = null where w.id = p_webhook_id and w.lease_holder is not null;
    if found then
      perform app.wake_waiting_webhook(v_webhook.workspace_id, p_webhook_id, v_at);
    end if;
    return '{"state": "idle"}';
  end if;
  if v_webhook.lease_holder is distinct from p_holder and app.is_webhook_share_taken(v_webhook.workspace_id, p_webhook_id, v_at) then
    return '{"state": "held"}';
  end if;
  update webhooks w set lease_holder = p_holder, lease_until = v_at + p_lease where w.id = p_webhook_id;
  return jsonb_build_object('state', 'work', 'workspace_id', v_webhook.workspace_id, 'url', v_webhook.url, 'secret', v_webhook.secret,
    'previous_secret', case when v_webhook.previous_secret_expires_at > v_at then v_webhook.previous_secret end,
    'deliveries', v_deliveries);
end $$;

-- Lets go of the lease though there may be more to do, and has it done behind what others wait for.
create or replace function app.yield_webhook(p_webhook_id uuid, p_holder uuid) returns void
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_workspace_id uuid;
begin
  update webhooks w set lease_holder = null, lease_until = null where w.id = p_webhook_id and w.lease_holder = p_holder
  returning w.workspace_id into v_workspace_id;
  if found then
    perform app.wake_waiting_webhook(v_workspace_id, p_webhook_id, clock_timestamp());
    perform app.wake_webhook(v_workspace_id, p_webhook_id, now(), null);
  end if;
end $$;

-- What became of attempt p_attempt, once: answers null for one that was recorded before, or that nobody waits for any more.
-- p_retry_in null: there is no further attempt. p_gone: the endpoint wants no more, ever. An endpoint is disabled when it is
-- gone, when every attempt of a message failed and no other message got through meanwhile, or after p_max_failures in a row
-- over p_max_failing.
create or replace function app.record_webhook_attempt(p_delivery_id uuid, p_attempt int, p_ok boolean, p_status int, p_latency_ms int,
  p_error text, p_excerpt text, p_retry_in interval, p_gone boolean, p_max_failures int, p_max_failing interval, p_request_id text)
returns jsonb language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_webhook webhooks;
  v_delivery webhook_deliveries;
  v_at timestamptz;
  v_next timestamptz;
  v_reason text;
begin
  select w.* into v_webhook from webhooks w
  where w.id = (select d.webhook_id from webhook_deliveries d where d.id = p_delivery_id) for no key update;
  v_at := clock_timestamp();
  v_next := case when not p_ok and not p_gone then v_at + p_retry_in end;
  update webhook_deliveries d set attempts = p_attempt, step = d.step + 1,
    status = case when p_ok then 'delivered' when v_next is null then 'failed' else 'pending' end,
    next_attempt_at = v_next, first_attempt_at = coalesce(d.first_attempt_at, v_at), last_attempt_at = v_at, last_status = p_status,
    last_latency_ms = p_latency_ms, last_error = left(p_error, 500), response_excerpt = left(p_excerpt, 1000)
  where d.id = p_delivery_id and d.status = 'pending' and d.attempts = p_attempt - 1 returning * into v_delivery;
  if not found or v_webhook.id is null then
    return null;
  end if;
  if p_ok then
    update webhooks w set consecutive_failures = 0, failing_since = null where w.id = v_webhook.id and w.consecutive_failures > 0;
    return jsonb_build_object('status', v_delivery.status);
  end if;
  update webhooks w set consecutive_failures = w.consecutive_failures + 1, failing_since = coalesce(w.failing_since, v_at)
  where w.id = v_webhook.id returning * into v_webhook;
  v_reason := case when v_webhook.status = 'disabled' then null when p_gone then 'gone'
    when v_next is null and v_webhook.failing_since <= v_delivery.first_attempt_at
      or v_webhook.consecutive_failures >= p_max_failures and v_webhook.failing_since <= v_at - p_max_failing then 'failing' end;
  if v_reason is not null then
    perform app.disable_webhook(v_webhook.id, v_reason, p_request_id);
  elsif v_next is not null then
    perform app.wake_webhook(v_webhook.workspace_id, v_webhook.id, v_next, p_request_id);
  end if;
  return jsonb_build_object('status', v_delivery.status, 'disabled', v_reason);
end $$;

-- Disables, audits, and tells the owner and the admins: on /ws/me each time, by mail at most once an hour, since an endpoint can
-- be enabled and answer 410 again and again.
create or replace function app.disable_webhook(p_webhook_id uuid, p_reason text, p_request_id text) returns void
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_webhook webhooks;
  v_is_mailed boolean;
begin
  select coalesce(w.disabled_mail_at <= now() - interval '1 hour', true) into v_is_mailed
  from webhooks w where w.id = p_webhook_id for no key update;
  update webhooks w set status = 'disabled', disabled_reason = p_reason, disabled_at = now(), updated_at = now(),
    disabled_mail_at = case when v_is_mailed then now() else w.disabled_mail_at end
  where w.id = p_webhook_id returning * into v_webhook;
  perform app.append_system_audit('webhook.deliver', v_webhook.workspace_id, null, 'webhook.disable', 'webhook', p_webhook_id::text,
    jsonb_build_object('status', 'enabled'), jsonb_build_object('status', 'disabled', 'reason', p_reason), p_request_id);
  insert into outbox (id, topic, workspace_id, user_id, payload, request_id)
  select app.uuidv7(), t.topic, v_webhook.workspace_id, a.user_id, t.payload || jsonb_build_object('user_id', a.user_id), p_request_id
  from (
    select w.owner_user_id as user_id from workspaces w where w.id = v_webhook.workspace_id
    union
    select m.user_id from workspace_members m join users u on u.id = m.user_id and u.kind = 'person'
    where m.workspace_id = v_webhook.workspace_id and m.role = 'admin') a
  cross join (values
    ('me.deliver', jsonb_build_object('type', 'webhook.disabled', 'workspace_id', v_webhook.workspace_id, 'webhook_id', p_webhook_id,
      'url', split_part(v_webhook.url, '?', 1), 'reason', p_reason)),
    ('mail.send', jsonb_build_object('template', 'webhook_disabled', 'reference', p_webhook_id))) t (topic, payload)
  where t.topic <> 'mail.send' or v_is_mailed;
  -- Fails what is still to be sent.
  perform app.wake_webhook(v_webhook.workspace_id, p_webhook_id, now(), p_request_id);
end $$;

-- The endpoints that somebody made, when they stop being an admin: they would go on telling what happens to whom it is no
-- longer for. Other admins can enable one again. Not for app_user: see below.
create or replace function app.disable_webhooks_made_by(p_workspace_id uuid, p_user_id uuid) returns void
language plpgsql set search_path = app, pg_temp as $$
begin
  perform app.disable_webhook(w.id, 'creator_left', null) from webhooks w
  where w.workspace_id = p_workspace_id and w.created_by = p_user_id and w.status = 'enabled';
end $$;

create or replace function app.disable_webhooks_of(p_workspace_id uuid, p_user_id uuid) returns void
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  if p_workspace_id is distinct from nullif(current_setting('app.workspace_id', true), '')::uuid then
    perform app.fail('PT404', 'workspace.not_found', 'There is no such workspace.');
  end if;
  perform app.disable_webhooks_made_by(p_workspace_id, p_user_id);
end $$;

-- Endpoints that have had something due for a while and nobody at it (a queue lost its jobs): has them looked at.
create or replace function app.sweep_webhooks(p_late interval, p_limit int) returns int
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_count int;
begin
  select count(app.wake_webhook(late.workspace_id, late.webhook_id, now(), null)) into v_count from (
    select distinct d.workspace_id, d.webhook_id from webhook_deliveries d join webhooks w on w.id = d.webhook_id
    where d.status = 'pending' and d.next_attempt_at < now() - p_late and coalesce(w.lease_until < now(), true)
    limit p_limit) late;
  return v_count;
end $$;

-- The log of an endpoint that was deleted, p_limit at a time; how many rows it was.
create or replace function app.forget_webhook(p_workspace_id uuid, p_webhook_id uuid, p_limit int) returns int
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_count int;
begin
  delete from webhook_deliveries d where d.id in (
    select o.id from webhook_deliveries o
    where o.workspace_id = p_workspace_id and o.webhook_id = p_webhook_id and not exists (select from webhooks w where w.id = p_webhook_id)
    limit p_limit);
  get diagnostics v_count = row_count;
  return v_count;
end $$;

-- Deliveries made before p_before that are not on their way any more.
create or replace function app.forget_webhook_deliveries(p_before timestamptz, p_limit int) returns int
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_count int;
begin
  delete from webhook_deliveries d where d.id in (
    select o.id from webhook_deliveries o where o.created_at < p_before and (o.status <> 'pending' or o.next_attempt_at < p_before)
    order by o.created_at limit p_limit);
  get diagnostics v_count = row_count;
  return v_count;
end $$;

-- Whom a mail about a disabled webhook is for, and what it says; no row once it is enabled or they are no admin any more.
create or replace function app.get_webhook_disabled_mail(p_webhook_id uuid, p_user_id uuid)
returns table (email text, locale text, url text, workspace_id uuid, workspace_name text, reason text)
language plpgsql stable security definer set search_path = app, pg_temp as $$
begin
  return query
    select u.email,
      coalesce(u.locale, (select s.locale from workspace_settings s where s.workspace_id = w.id), 'en'), split_part(h.url, '?', 1), w.id, w.name, h.disabled_reason
    from webhooks h join workspaces w on w.id = h.workspace_id and w.deleted_at is null join users u on u.id = p_user_id
    where h.id = p_webhook_id and h.status = 'disabled' and h.disabled_reason <> 'manual' and u.email is not null
      and (w.owner_user_id = u.id or exists (select from workspace_members m
        where m.workspace_id = w.id and m.user_id = u.id and m.role = 'admin'));
end $$;

grant execute on function app.take_webhook_deliveries, app.yield_webhook, app.record_webhook_attempt, app.sweep_webhooks,
  app.forget_webhook, app.forget_webhook_deliveries, app.get_webhook_disabled_mail to job_user;
grant execute on function app.disable_webhooks_of to app_user;
