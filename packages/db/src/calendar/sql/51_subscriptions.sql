-- One subscription as somebody on the calendar sees it: what is the subscriber's own affair only they do.
create or replace function app.subscription_json(s app.calendar_subscriptions, p_name text, p_email text, p_is_mine boolean)
returns jsonb language sql stable parallel safe
  return jsonb_build_object('calendar_id', (s).calendar_id, 'user_id', (s).user_id, 'name', p_name, 'email', p_email, 'role', (s).role,
    'color', case when p_is_mine then (s).color end, 'is_hidden', case when p_is_mine then (s).is_hidden end,
    'affects_busy', case when p_is_mine then (s).affects_busy end, 'version', (s).version, 'created_by', (s).created_by,
    'created_at', app.iso((s).created_at), 'updated_at', app.iso((s).updated_at));

-- The subscriptions of a calendar in the order of the subscribers' ids, for whoever reads it; whoever sees only free/busy sees their
-- own. The cursor is the last id read; with p_only_user_id just that one. Definer, since they have names.
create or replace function app.list_subscriptions(p_user_id uuid, p_calendar_id uuid, p_only_user_id uuid, p_cursor_user_id uuid, p_limit int)
returns table (subscription jsonb)
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_access record;
begin
  v_access := app.set_calendar_context(p_user_id, p_calendar_id,
    case when p_only_user_id <> p_user_id then 'viewer' else 'freebusy' end);
  return query
    select app.subscription_json(s, u.name, u.email, s.user_id = p_user_id)
    from calendar_subscriptions s join users u on u.id = s.user_id
    where s.workspace_id = v_access.workspace_id and s.calendar_id = p_calendar_id
      and s.user_id > coalesce(p_cursor_user_id, '00000000-0000-0000-0000-000000000000')
      and s.user_id = coalesce(case when v_access.role = 'freebusy' then p_user_id else p_only_user_id end, s.user_id)
    order by s.user_id limit least(greatest(p_limit, 1), 1001);
end $$;

create or replace function app.get_subscription(p_user_id uuid, p_calendar_id uuid, p_target_user_id uuid) returns jsonb
language plpgsql set search_path = app, pg_temp as $$
declare
  v_json jsonb;
begin
  select l.subscription into v_json from app.list_subscriptions(p_user_id, p_calendar_id, p_target_user_id, null, 1) l;
  if v_json is null then
    perform app.fail('PT404', 'subscription.not_found', 'There is no such subscriber.');
  end if;
  return v_json;
end $$;

-- Whether somebody is in the workspace of the calendar whose owner asks, and stays there until the transaction ends: whoever leaves
-- at the same time waits, and then leaves behind what they were given. Before the calendar is held, as leaving does it.
create or replace function app.is_in_calendar_workspace(p_user_id uuid, p_calendar_id uuid, p_target_user_id uuid) returns boolean
language plpgsql security definer set search_path = app, pg_temp set lock_timeout = '400ms' as $$
declare
  v_workspace_id uuid;
begin
  v_workspace_id := (app.set_calendar_context(p_user_id, p_calendar_id, 'owner')).workspace_id;
  perform from workspace_members m where m.workspace_id = v_workspace_id and m.user_id = p_target_user_id for key share;
  return app.find_workspace_role(p_target_user_id, v_workspace_id) is not null;
end $$;

-- Asks a job to look who reads whose instances of a calendar, after subscribers came or went.
create or replace function app.request_fan_out(p_workspace_id uuid, p_calendar_id uuid, p_request_id text, p_traceparent text) returns void
language plpgsql set search_path = app, pg_temp as $$
begin
  insert into outbox (id, topic, workspace_id, user_id, payload, traceparent, request_id)
  values (app.uuidv7(), 'calendar.fan_out', p_workspace_id, null, jsonb_build_object('calendar_id', p_calendar_id), p_traceparent, p_request_id);
end $$;

create or replace function app.check_subscriber_role(p_role text) returns void
language plpgsql set search_path = app, pg_temp as $$
begin
  if p_role is null or p_role not in ('editor', 'viewer', 'freebusy') then
    perform app.fail('PT400', 'subscription.role_invalid', 'The role must be editor, viewer or freebusy.', '{"pointer": "/role"}');
  end if;
end $$;

-- By the calendar's owner, of somebody in its workspace.
create or replace function app.create_subscription(p_user_id uuid, p_calendar_id uuid, p_target_user_id uuid, p_role text,
  p_request_id text, p_traceparent text) returns jsonb
language plpgsql set search_path = app, pg_temp as $$
declare
  -- As many as deleting the calendar can tell within the deadline of a statement.
  v_max constant int := 50000;
  v_is_there constant boolean := app.is_in_calendar_workspace(p_user_id, p_calendar_id, p_target_user_id);
  v_calendar calendars;
begin
  v_calendar := (app.hold_calendar(p_user_id, p_calendar_id, 'owner')).calendar;
  perform app.check_subscriber_role(p_role);
  if not v_is_there then
    perform app.fail('PT404', 'subscription.user_not_found', 'There is nobody with this id in the workspace.', '{"pointer": "/user_id"}');
  end if;
  if exists (select from calendar_subscriptions s where s.workspace_id = v_calendar.workspace_id and s.calendar_id = p_calendar_id
    and s.user_id = p_target_user_id) then
    perform app.fail('PT409', 'subscription.exists', 'This person subscribes to the calendar already.',
      jsonb_build_object('current', app.get_subscription(p_user_id, p_calendar_id, p_target_user_id)));
  end if;
  if (select count(*) from calendar_subscriptions s where s.workspace_id = v_calendar.workspace_id and s.calendar_id = p_calendar_id) >= v_max then
    perform app.fail('PT409', 'calendar.too_many_subscriptions', format('A calendar has at most %s subscriptions.', v_max));
  end if;
  perform app.check_subscription_limit(p_target_user_id, false);
  insert into calendar_subscriptions (workspace_id, calendar_id, user_id, role, affects_busy, instances_of, created_by)
  values (v_calendar.workspace_id, p_calendar_id, p_target_user_id, p_role, p_role = 'editor',
    app.first_instances_of(v_calendar.workspace_id, p_calendar_id), p_user_id);
  perform app.append_audit(p_user_id, v_calendar.workspace_id, null, 'subscription.create', 'calendar', p_calendar_id::text, null,
    jsonb_build_object('user_id', p_target_user_id, 'role', p_role), p_request_id);
  perform app.notify_subscribers(v_calendar, array[p_target_user_id], 'calendar.subscribed', jsonb_build_object('role', p_role),
    p_request_id, p_traceparent);
  perform app.request_fan_out(v_calendar.workspace_id, p_calendar_id, p_request_id, p_traceparent);
  perform app.bump_user_calendars(array[p_target_user_id]);
  return app.get_subscription(p_user_id, p_calendar_id, p_target_user_id);
end $$;

-- p_patch: of anybody's role, by the owner; of color, is_hidden and affects_busy, by the subscriber. What stays as it was is no
-- change. changed_role: the subscriber is to be told, with outbox rows.
create or replace function app.update_subscription(p_user_id uuid, p_calendar_id uuid, p_target_user_id uuid, p_expected_version int,
  p_patch jsonb, p_request_id text, p_traceparent text, out subscription jsonb, out changed_role boolean)
language plpgsql set search_path = app, pg_temp as $$
declare
  v_is_mine constant boolean := p_user_id = p_target_user_id;
  v_held record;
  v_calendar calendars;
  v_before calendar_subscriptions;
  v_wanted calendar_subscriptions;
begin
  v_held := app.hold_calendar(p_user_id, p_calendar_id, case when v_is_mine then 'freebusy' else 'owner' end);
  v_calendar := v_held.calendar;
  select * into v_before from calendar_subscriptions s
  where s.workspace_id = v_calendar.workspace_id and s.calendar_id = p_calendar_id and s.user_id = p_target_user_id;
  if not found then
    perform app.fail('PT404', 'subscription.not_found', 'There is no such subscriber.');
  end if;
  if p_expected_version <> v_before.version then
    perform app.fail('PT412', 'subscription.version_conflict', 'The subscription was changed meanwhile.',
      jsonb_build_object('current', app.get_subscription(p_user_id, p_calendar_id, p_target_user_id)));
  end if;
  if p_patch ? 'role' then
    perform app.check_subscriber_role(p_patch ->> 'role');
    if v_held.role <> 'owner' then
      perform app.fail('PT403', 'calendar.forbidden', 'Only the owner of a calendar gives roles on it.',
        jsonb_build_object('needed_role', 'owner', 'role', v_held.role, 'pointer', '/role'));
    elsif v_before.role = 'owner' then
      perform app.fail('PT409', 'subscription.owner_fixed', 'The owner keeps the calendar until it is transferred.', '{"pointer": "/role"}');
    end if;
  end if;
  if not v_is_mine and p_patch ?| array['color', 'is_hidden', 'affects_busy'] then
    perform app.fail('PT403', 'subscription.not_yours', 'How somebody shows a calendar, and whether it makes them busy, is for them to say.');
  end if;
  v_wanted := jsonb_populate_record(v_before, p_patch);
  changed_role := v_wanted.role <> v_before.role;
  update calendar_subscriptions s
  set role = v_wanted.role, color = v_wanted.color, is_hidden = v_wanted.is_hidden, affects_busy = v_wanted.affects_busy,
    version = s.version + 1, updated_at = clock_timestamp()
  where s.workspace_id = v_calendar.workspace_id and s.calendar_id = p_calendar_id and s.user_id = p_target_user_id
    and (v_wanted.role, v_wanted.color, v_wanted.is_hidden, v_wanted.affects_busy) is distinct from (s.role, s.color, s.is_hidden, s.affects_busy);
  if found then
    perform app.append_audit(p_user_id, v_calendar.workspace_id, null, 'subscription.update', 'calendar', p_calendar_id::text,
      app.subscription_summary(v_before), app.subscription_summary(v_wanted), p_request_id);
    if changed_role then
      perform app.notify_subscribers(v_calendar, array[p_target_user_id], 'calendar.subscribed', jsonb_build_object('role', v_wanted.role),
        p_request_id, p_traceparent);
    end if;
    perform app.bump_user_calendars(array[p_target_user_id]);
  end if;
  subscription := app.get_subscription(p_user_id, p_calendar_id, p_target_user_id);
end $$;

-- What audit rows tell of a subscription.
create or replace function app.subscription_summary(s app.calendar_subscriptions) returns jsonb language sql stable parallel safe
  return jsonb_build_object('user_id', (s).user_id, 'role', (s).role, 'color', (s).color, 'is_hidden', (s).is_hidden,
    'affects_busy', (s).affects_busy);

-- By the subscriber or the calendar's owner. With it go the subscriber's feed, and their reminders but for what they are a guest of.
create or replace function app.delete_subscription(p_user_id uuid, p_calendar_id uuid, p_target_user_id uuid,
  p_request_id text, p_traceparent text) returns void
language plpgsql set search_path = app, pg_temp as $$
declare
  v_calendar calendars;
  v_gone calendar_subscriptions;
begin
  v_calendar := (app.hold_calendar(p_user_id, p_calendar_id, case when p_user_id = p_target_user_id then 'freebusy' else 'owner' end)).calendar;
  delete from calendar_subscriptions s
  where s.workspace_id = v_calendar.workspace_id and s.calendar_id = p_calendar_id and s.user_id = p_target_user_id
  returning * into v_gone;
  if not found then
    perform app.fail('PT404', 'subscription.not_found', 'There is no such subscriber.');
  elsif v_gone.role = 'owner' then
    perform app.fail('PT409', 'subscription.owner_fixed', 'The owner keeps the calendar until it is transferred or deleted.');
  end if;
  delete from schedule_reminders r
  where r.workspace_id = v_calendar.workspace_id and r.calendar_id = p_calendar_id and r.user_id = p_target_user_id
    and not exists (select from schedule_guests g where g.workspace_id = r.workspace_id and g.calendar_id = r.calendar_id
      and g.schedule_id = r.schedule_id and g.user_id = p_target_user_id);
  perform app.append_audit(p_user_id, v_calendar.workspace_id, null, 'subscription.delete', 'calendar', p_calendar_id::text,
    jsonb_build_object('user_id', p_target_user_id, 'role', v_gone.role), null, p_request_id);
  perform app.notify_subscribers(v_calendar, array[p_target_user_id], 'calendar.unsubscribed', '{}', p_request_id, p_traceparent);
  perform app.request_fan_out(v_calendar.workspace_id, p_calendar_id, p_request_id, p_traceparent);
  perform app.bump_user_calendars(array[p_target_user_id]);
end $$;

-- What somebody does who ends a membership, and the system where nobody does. p_user_id: whose it was.
create or replace function app.audit_membership_end(p_workspace_id uuid, p_calendar_id uuid, p_action text, p_before jsonb, p_after jsonb)
returns void language plpgsql set search_path = app, pg_temp as $$
declare
  v_actor_user_id constant uuid := nullif(current_setting('app.user_id', true), '')::uuid;
begin
  if v_actor_user_id is null then
    perform app.append_system_audit('membership.end', p_workspace_id, null, p_action, 'calendar', p_calendar_id::text, p_before, p_after, null);
  else
    perform app.append_audit(v_actor_user_id, p_workspace_id, null, p_action, 'calendar', p_calendar_id::text, p_before, p_after, null);
  end if;
end $$;

-- Calendars of somebody who is gone pass to the workspace's owner, everything else of theirs on calendars there ends. All calendars are
-- held first, in the order of their ids, and people's heads are counted up last: so an edit in one of them never waits for us while we
-- wait for it. Definer: it is about many calendars, at the end of whatever transaction ended a membership.
create or replace function app.end_calendar_membership(p_workspace_id uuid, p_user_id uuid, p_owner_user_id uuid) returns void
language plpgsql security definer set search_path = app, pg_temp set lock_timeout = '400ms' as $$
declare
  v_calendar_ids constant uuid[] := array(
    select c.id from calendars c where c.workspace_id = p_workspace_id and c.owner_user_id = p_user_id
    union
    select s.calendar_id from calendar_subscriptions s where s.user_id = p_user_id and s.workspace_id = p_workspace_id
    union
    select g.calendar_id from schedule_guests g where g.user_id = p_user_id and g.workspace_id = p_workspace_id
    order by 1);
  v_calendar_id uuid;
  v_calendar calendars;
  v_gone calendar_subscriptions;
  v_counted_up uuid[] := array[p_user_id];
  v_invited_to uuid[] := '{}';
begin
  foreach v_calendar_id in array v_calendar_ids loop
    perform app.next_calendar_seq(p_workspace_id, v_calendar_id);
  end loop;
  for v_calendar in
    select * from calendars c where c.workspace_id = p_workspace_id and c.id = any (v_calendar_ids) order by c.id
  loop
    if v_calendar.owner_user_id = p_user_id then
      perform app.hand_over_calendar(v_calendar, p_owner_user_id, null, p_owner_user_id, null, null);
      perform app.audit_membership_end(p_workspace_id, v_calendar.id, 'calendar.transfer', jsonb_build_object('owner_user_id', p_user_id),
        jsonb_build_object('owner_user_id', p_owner_user_id));
      perform app.notify_subscribers(v_calendar, array[p_owner_user_id], 'calendar.subscribed', '{"role": "owner"}', null, null);
      v_counted_up := v_counted_up || p_owner_user_id;
    else
      delete from calendar_subscriptions s
      where s.workspace_id = p_workspace_id and s.calendar_id = v_calendar.id and s.user_id = p_user_id
      returning * into v_gone;
      if found then
        perform app.audit_membership_end(p_workspace_id, v_calendar.id, 'subscription.delete',
          jsonb_build_object('user_id', p_user_id, 'role', v_gone.role), null);
      end if;
    end if;
    perform app.request_fan_out(p_workspace_id, v_calendar.id, null, null);
    v_invited_to := v_invited_to || app.end_invitations_to_schedules(v_calendar, p_user_id);
  end loop;
  delete from schedule_reminders r where r.user_id = p_user_id and r.workspace_id = p_workspace_id;
  insert into guest_tombstones as t (user_id, schedule_id, seq)
  select h.user_id, x.id, h.seq from app.bump_user_calendars(v_counted_up) h cross join unnest(v_invited_to) x (id)
  where h.user_id = p_user_id
  on conflict (user_id, schedule_id) do update set seq = excluded.seq, created_at = now();
end $$;

-- Somebody is a guest in this calendar, which is held, no more. Of which schedules: they hear of it when they synchronise.
create or replace function app.end_invitations_to_schedules(p_calendar app.calendars, p_user_id uuid) returns uuid[]
language plpgsql set search_path = app, pg_temp as $$
declare
  v_schedule_ids uuid[];
begin
  with gone as (
    delete from schedule_guests g
    where g.workspace_id = p_calendar.workspace_id and g.calendar_id = p_calendar.id and g.user_id = p_user_id
    returning g.schedule_id
  )
  select coalesce(array_agg(g.schedule_id), '{}') into v_schedule_ids from gone g;
  update schedules s set seq = p_calendar.seq
  where s.workspace_id = p_calendar.workspace_id and s.calendar_id = p_calendar.id and s.id = any (v_schedule_ids);
  return v_schedule_ids;
end $$;

-- At the end of the transaction: whoever hands a workspace over is no member in its midst, and one again at its end.
create or replace function app.leave_calendars() returns trigger
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_owner_user_id uuid;
begin
  select w.owner_user_id into v_owner_user_id from workspaces w where w.id = old.workspace_id;
  if found and v_owner_user_id <> old.user_id and not exists (
    select from workspace_members m where m.workspace_id = old.workspace_id and m.user_id = old.user_id) then
    perform app.end_calendar_membership(old.workspace_id, old.user_id, v_owner_user_id);
  end if;
  return null;
end $$;

drop trigger if exists workspace_members_leave_calendars on app.workspace_members;
create constraint trigger workspace_members_leave_calendars after delete on app.workspace_members
  deferrable initially deferred for each row execute function app.leave_calendars();

grant execute on function app.subscription_json, app.list_subscriptions, app.get_subscription, app.is_in_calendar_workspace,
  app.request_fan_out, app.check_subscriber_role, app.create_subscription, app.update_subscription, app.subscription_summary,
  app.delete_subscription to app_user;
