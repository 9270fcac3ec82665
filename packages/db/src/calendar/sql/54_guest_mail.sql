-- Mail to guests who are known by their address alone. What a mail says is read when it is sent, from the schedule as it stands
-- then; app.schedule_guests.mail_id names the latest, and an earlier one that is still on its way says nothing.

-- What an edit of a schedule changed that a mail tells of.
create or replace function app.is_told_by_mail(p_changed jsonb) returns boolean language sql immutable parallel safe
  return coalesce(p_changed ?| array['title', 'description', 'location', 'url', 'status', 'is_all_day', 'starts_local', 'time_zone',
    'duration_seconds', 'rrule', 'rdates', 'exdates'], false);

-- p_kind: invited, updated. p_guest_ids: these; null: all who were written to before, so nobody who came with an import.
-- Of several edits in a row the last is told. How many. The caller has the context.
create or replace function app.mail_guests(p_schedule app.schedules, p_kind text, p_guest_ids uuid[], p_request_id text, p_traceparent text)
returns int language plpgsql set search_path = app, pg_temp as $$
declare
  v_count int;
begin
  with told as (
    update schedule_guests g set mail_id = app.uuidv7()
    where g.workspace_id = p_schedule.workspace_id and g.calendar_id = p_schedule.calendar_id and g.schedule_id = p_schedule.id
      and g.email is not null and case when p_guest_ids is null then g.mail_id is not null else g.id = any (p_guest_ids) end
    returning g.id, g.mail_id
  )
  insert into outbox (id, topic, workspace_id, payload, traceparent, request_id, available_at)
  select t.mail_id, 'mail.send', p_schedule.workspace_id,
    jsonb_build_object('template', 'schedule_invitation', 'reference', t.id, 'kind', p_kind), p_traceparent, p_request_id,
    now() + case p_kind when 'updated' then interval '10 seconds' else interval '0' end
  from told t;
  get diagnostics v_count = row_count;
  return v_count;
end $$;

-- Before these guests (null: all, since the schedule goes) are deleted: the mail that takes the invitation back. The rows are gone when
-- it is made, so the outbox row carries what it says. A guest who comes back is invited by the same SEQUENCE at a later time.
create or replace function app.mail_cancellations(p_schedule app.schedules, p_guest_ids uuid[], p_request_id text, p_traceparent text)
returns int language plpgsql set search_path = app, pg_temp as $$
declare
  v_count int;
begin
  insert into outbox (id, topic, workspace_id, payload, traceparent, request_id)
  select app.uuidv7(), 'mail.send', p_schedule.workspace_id,
    jsonb_build_object('template', 'schedule_cancellation', 'reference', g.id, 'schedule_id', p_schedule.id,
      'organiser_user_id', p_schedule.organiser_user_id, 'to', g.email, 'name', g.name, 'guest_since', app.iso(g.created_at),
      'cancelled_at', app.iso(clock_timestamp()), 'uid', p_schedule.uid,
      'sequence', p_schedule.sequence + p_schedule.version - case when p_guest_ids is null then 0 else 1 end, 'title', p_schedule.title,
      'is_all_day', p_schedule.is_all_day, 'starts_local', app.local_json(p_schedule.starts_local, p_schedule.is_all_day),
      'time_zone', p_schedule.time_zone, 'duration_seconds', p_schedule.duration_seconds, 'rrule', p_schedule.rrule),
    p_traceparent, p_request_id
  from schedule_guests g
  where g.workspace_id = p_schedule.workspace_id and g.calendar_id = p_schedule.calendar_id and g.schedule_id = p_schedule.id
    and g.mail_id is not null and (p_guest_ids is null or g.id = any (p_guest_ids));
  get diagnostics v_count = row_count;
  return v_count;
end $$;

-- Whether a mail of an invitation may have reached the guest before this one. What became of mails is kept for 90 days: of a guest
-- older than that it is taken for granted.
create or replace function app.was_guest_told(p_guest_id uuid, p_guest_since timestamptz, p_outbox_id uuid) returns boolean
language plpgsql stable set search_path = app, pg_temp as $$
begin
  return p_guest_since < now() - interval '60 days' or exists (select from mail_deliveries d
    where d.reference = p_guest_id::text and d.template = 'schedule_invitation' and d.status in ('sent', 'sending') and d.outbox_id <> p_outbox_id);
end $$;

-- In which language to write to an address: that of its account if it has one, else the workspace's.
create or replace function app.mail_locale(p_workspace_id uuid, p_email text) returns text
language plpgsql stable set search_path = app, pg_temp as $$
begin
  return coalesce((select u.locale from users u where lower(u.email) = p_email and u.kind = 'person' order by u.id limit 1),
    (select s.locale from workspace_settings s where s.workspace_id = p_workspace_id), 'en');
end $$;

-- What the mail of this outbox row says to a guest, for the job that sends it: the schedule as an ICS has it, with them as its one
-- guest. Null: there is nothing to say any more (the guest or the schedule is gone, or a later mail says it).
create or replace function app.get_guest_mail(p_outbox_id uuid, p_guest_id uuid) returns jsonb
language plpgsql stable security definer set search_path = app, pg_temp as $$
declare
  v_guest schedule_guests;
  v_schedule schedules;
begin
  select g.* into v_guest from schedule_guests g join workspaces w on w.id = g.workspace_id and w.deleted_at is null
  where g.id = p_guest_id and g.mail_id = p_outbox_id and g.email is not null;
  if not found then
    return null;
  end if;
  select * into v_schedule from schedules s
  where s.workspace_id = v_guest.workspace_id and s.calendar_id = v_guest.calendar_id and s.id = v_guest.schedule_id;
  return jsonb_build_object('to', v_guest.email, 'locale', app.mail_locale(v_guest.workspace_id, v_guest.email),
    'was_told', app.was_guest_told(p_guest_id, v_guest.created_at, p_outbox_id),
    'organiser', (select jsonb_build_object('name', u.name, 'email', u.email) from users u where u.id = v_schedule.organiser_user_id),
    'schedule', app.schedule_json(v_schedule) || jsonb_build_object('ics_properties', null, 'reminders', '[]'::jsonb,
      'guests', jsonb_build_array(jsonb_build_object('email', v_guest.email, 'name', v_guest.name, 'is_optional', v_guest.is_optional,
        'response', v_guest.response, 'responses', app.guest_responses(v_guest, v_schedule.is_all_day))),
      'overrides', coalesce((select jsonb_agg(app.override_json(o, v_schedule.is_all_day) || '{"ics_properties": null}' order by o.recurrence_id)
        from schedule_overrides o where o.workspace_id = v_schedule.workspace_id and o.calendar_id = v_schedule.calendar_id
          and o.schedule_id = v_schedule.id), '[]')));
end $$;

-- The rest of what the mail of a cancellation says. Null: it is not to be sent, since the address is a guest again, or never was told.
create or replace function app.get_cancellation_mail(p_outbox_id uuid, p_workspace_id uuid, p_guest_id uuid, p_guest_since timestamptz,
  p_schedule_id uuid, p_email text, p_organiser_user_id uuid) returns jsonb
language plpgsql stable security definer set search_path = app, pg_temp as $$
begin
  if not app.was_guest_told(p_guest_id, p_guest_since, p_outbox_id)
    or exists (select from schedules s join schedule_guests g on g.workspace_id = s.workspace_id and g.calendar_id = s.calendar_id
      and g.schedule_id = s.id and g.email = p_email where s.id = p_schedule_id) then
    return null;
  end if;
  return jsonb_build_object('locale', app.mail_locale(p_workspace_id, p_email),
    'organiser', (select jsonb_build_object('name', u.name, 'email', u.email) from users u where u.id = p_organiser_user_id));
end $$;

grant execute on function app.is_told_by_mail, app.mail_guests, app.mail_cancellations to app_user;
grant execute on function app.get_guest_mail, app.get_cancellation_mail to job_user;
