-- Writes what a guest answers: to all (the series, and nothing differs any more), to `this` occurrence, or to it and those `following`,
-- of which then none differs. p_comment: null leaves it. The caller has the calendar's lock, with p_seq of it, and has decided that
-- this is the guest's own answer. Returns them as they now are.
create or replace function app.write_answer(p_guest app.schedule_guests, p_seq bigint, p_scope text, p_recurrence_id timestamp,
  p_response text, p_comment text) returns app.schedule_guests
language plpgsql set search_path = app, pg_temp as $$
declare
  v_max constant int := 1000;
  v_after schedule_guests;
begin
  delete from schedule_responses r where r.workspace_id = p_guest.workspace_id and r.calendar_id = p_guest.calendar_id
    and r.schedule_id = p_guest.schedule_id and r.guest_id = p_guest.id and (p_scope = 'all'
      or p_scope = 'following' and r.recurrence_id >= p_recurrence_id
      or p_scope = 'this' and r.recurrence_id = p_recurrence_id and r.applies_to = 'this');
  if p_scope <> 'all' then
    insert into schedule_responses (workspace_id, calendar_id, schedule_id, guest_id, recurrence_id, applies_to, response, responded_at)
    values (p_guest.workspace_id, p_guest.calendar_id, p_guest.schedule_id, p_guest.id, p_recurrence_id, p_scope, p_response, clock_timestamp());
    if (select count(*) from schedule_responses r where r.workspace_id = p_guest.workspace_id and r.calendar_id = p_guest.calendar_id
        and r.schedule_id = p_guest.schedule_id and r.guest_id = p_guest.id) > v_max then
      perform app.fail('PT409', 'guest.responses_full', format('A guest answers at most %s occurrences by themselves.', v_max));
    end if;
  end if;
  update schedule_guests g
  set response = case when p_scope = 'all' then p_response else g.response end, comment = coalesce(nullif(p_comment, ''),
      case when p_comment is null then g.comment end), responded_at = clock_timestamp(), updated_at = clock_timestamp(),
    seq = coalesce((select h.seq from app.bump_user_calendars(array[g.user_id]) h), g.seq)
  where g.workspace_id = p_guest.workspace_id and g.calendar_id = p_guest.calendar_id and g.schedule_id = p_guest.schedule_id and g.id = p_guest.id
  returning * into v_after;
  update schedules s set seq = p_seq
  where s.workspace_id = p_guest.workspace_id and s.calendar_id = p_guest.calendar_id and s.id = p_guest.schedule_id;
  return v_after;
end $$;

-- What audit rows tell of an answer.
create or replace function app.answer_summary(p_guest app.schedule_guests, p_scope text, p_recurrence_id timestamp, p_is_all_day boolean)
returns jsonb language plpgsql stable set search_path = app, pg_temp as $$
begin
  return jsonb_strip_nulls(jsonb_build_object('schedule_id', p_guest.schedule_id, 'response', p_guest.response, 'scope', p_scope,
    'recurrence_id', app.local_json(p_recurrence_id, p_is_all_day), 'to_occurrence', (
      select r.response from schedule_responses r where r.workspace_id = p_guest.workspace_id and r.calendar_id = p_guest.calendar_id
        and r.schedule_id = p_guest.schedule_id and r.guest_id = p_guest.id and r.recurrence_id = p_recurrence_id and r.applies_to = p_scope)));
end $$;

-- The organiser, as long as they see the schedule; null: nobody is to be told. For guests of it alone. Definer: it decides for another.
create or replace function app.find_organiser(p_user_id uuid, p_schedule_id uuid) returns uuid
language plpgsql stable security definer set search_path = app, pg_temp as $$
declare
  v_organiser uuid;
begin
  if (select d.guest_id from app.decide_schedule_access(p_user_id, p_schedule_id) d) is null then
    perform app.fail('PT404', 'schedule.not_found', 'There is no such schedule.');
  end if;
  select s.organiser_user_id into v_organiser from schedules s where s.id = p_schedule_id;
  return (select v_organiser where (select d.role is not null from app.decide_schedule_access(v_organiser, p_schedule_id) d));
end $$;

-- Tells the organiser on `/ws/me`.
create or replace function app.notify_of_answer(p_organiser uuid, p_schedule app.schedules, p_guest app.schedule_guests, p_name text, p_scope text,
  p_recurrence_id timestamp, p_response text, p_request_id text, p_traceparent text) returns void
language plpgsql set search_path = app, pg_temp as $$
begin
  insert into outbox (id, topic, workspace_id, user_id, payload, traceparent, request_id)
  select app.uuidv7(), 'me.deliver', p_schedule.workspace_id, p_organiser,
    jsonb_build_object('user_id', p_organiser, 'type', 'schedule.responded', 'schedule_id', p_schedule.id, 'calendar_id', p_schedule.calendar_id,
      'title', p_schedule.title, 'guest_id', p_guest.id, 'guest_user_id', p_guest.user_id, 'guest_email', p_guest.email, 'guest_name', p_name,
      'response', p_response, 'comment', p_guest.comment, 'scope', p_scope, 'recurrence_id', app.local_json(p_recurrence_id, p_schedule.is_all_day)),
    p_traceparent, p_request_id
  where p_organiser is not null and p_organiser is distinct from p_guest.user_id;
end $$;

-- What an answer to single occurrences is checked against: the series, the guest's answer to it and where it differs. p_locks: no edit
-- of the schedule comes between this and the answer.
create or replace function app.load_answer(p_user_id uuid, p_schedule_id uuid, p_locks boolean, out series jsonb, out guest jsonb)
language plpgsql set search_path = app, pg_temp set lock_timeout = '400ms' as $$
declare
  v_access record;
begin
  if p_locks then
    v_access := app.lock_schedule(p_user_id, p_schedule_id, 'guest');
  else
    v_access := app.set_schedule_context(p_user_id, p_schedule_id, 'guest');
  end if;
  series := (select app.series_json(s) from schedules s
    where s.workspace_id = v_access.workspace_id and s.calendar_id = v_access.calendar_id and s.id = p_schedule_id);
  guest := (select l.guest from app.list_schedule_guests(p_user_id, p_schedule_id, array[v_access.guest_id], null, 1) l);
end $$;

-- p_recurrence_id names an occurrence: the caller has seen to it.
create or replace function app.respond_to_schedule(p_user_id uuid, p_schedule_id uuid, p_scope text, p_recurrence_id timestamp, p_response text,
  p_comment text, p_request_id text, p_traceparent text) returns jsonb
language plpgsql set search_path = app, pg_temp set lock_timeout = '400ms' as $$
declare
  v_lock record;
  v_schedule schedules;
  v_before schedule_guests;
  v_after schedule_guests;
  v_told_before jsonb;
  v_guest jsonb;
begin
  v_lock := app.lock_schedule(p_user_id, p_schedule_id, 'guest');
  v_before := app.find_guest(v_lock.workspace_id, v_lock.calendar_id, p_schedule_id, v_lock.guest_id);
  select * into v_schedule from schedules s
  where s.workspace_id = v_lock.workspace_id and s.calendar_id = v_lock.calendar_id and s.id = p_schedule_id;
  v_told_before := app.answer_summary(v_before, p_scope, p_recurrence_id, v_schedule.is_all_day);
  v_after := app.write_answer(v_before, v_lock.seq, p_scope, p_recurrence_id, p_response, p_comment);
  perform app.append_audit(p_user_id, v_lock.workspace_id, null, 'guest.respond', 'guest', v_after.id::text, v_told_before,
    app.answer_summary(v_after, p_scope, p_recurrence_id, v_schedule.is_all_day), p_request_id);
  v_guest := (select l.guest from app.list_schedule_guests(p_user_id, p_schedule_id, array[v_after.id], null, 1) l);
  perform app.notify_of_answer(app.find_organiser(p_user_id, p_schedule_id), v_schedule, v_after, v_guest ->> 'name', p_scope, p_recurrence_id,
    p_response, p_request_id, p_traceparent);
  return v_guest;
end $$;

-- The guest of a link in a mail: whoever has it was written to at the address. Not for app_user.
create or replace function app.find_rsvp(p_guest_id uuid) returns app.schedule_guests
language plpgsql stable set search_path = app, pg_temp as $$
declare
  v_guest schedule_guests;
begin
  select g.* into v_guest from schedule_guests g join workspaces w on w.id = g.workspace_id and w.deleted_at is null
  where g.id = p_guest_id and g.email is not null;
  if not found then
    perform app.fail('PT404', 'rsvp.not_found', 'There is no such invitation.');
  end if;
  return v_guest;
end $$;

-- What whoever has the link is shown: what it is, who asks, when, and what they have answered.
create or replace function app.rsvp_json(p_guest app.schedule_guests) returns jsonb
language plpgsql stable set search_path = app, pg_temp as $$
begin
  return (select jsonb_build_object('title', s.title, 'organiser_name', coalesce((select u.name from users u where u.id = s.organiser_user_id), ''),
      'is_cancelled', s.status = 'cancelled', 'is_all_day', s.is_all_day, 'starts_local', app.local_json(s.starts_local, s.is_all_day),
      'time_zone', s.time_zone, 'duration_seconds', s.duration_seconds, 'rrule', s.rrule, 'response', p_guest.response)
    from schedules s where s.workspace_id = p_guest.workspace_id and s.calendar_id = p_guest.calendar_id and s.id = p_guest.schedule_id);
end $$;

-- By the id that the service has opened a signed token for.
create or replace function app.preview_rsvp(p_guest_id uuid) returns jsonb
language plpgsql stable security definer set search_path = app, pg_temp as $$
begin
  return app.rsvp_json(app.find_rsvp(p_guest_id));
end $$;

-- The answer of a guest who has no account, to the whole series.
create or replace function app.answer_rsvp(p_guest_id uuid, p_response text, p_comment text, p_request_id text, p_traceparent text) returns jsonb
language plpgsql security definer set search_path = app, pg_temp set lock_timeout = '400ms' as $$
declare
  v_before schedule_guests;
  v_after schedule_guests;
  v_schedule schedules;
  v_seq bigint;
begin
  -- Twice only for a schedule that was moved to another calendar between the statements.
  loop
    v_before := app.find_rsvp(p_guest_id);
    v_seq := app.next_calendar_seq(v_before.workspace_id, v_before.calendar_id);
    select * into v_schedule from schedules s
    where s.workspace_id = v_before.workspace_id and s.calendar_id = v_before.calendar_id and s.id = v_before.schedule_id;
    exit when found;
  end loop;
  v_before := app.find_guest(v_before.workspace_id, v_before.calendar_id, v_before.schedule_id, (app.find_rsvp(p_guest_id)).id);
  if v_schedule.status = 'cancelled' then
    perform app.fail('PT409', 'rsvp.cancelled', 'This was cancelled.');
  end if;
  v_after := app.write_answer(v_before, v_seq, 'all', null, p_response, p_comment);
  perform app.append_system_audit('rsvp.link', v_after.workspace_id, null, 'guest.respond', 'guest', v_after.id::text,
    app.answer_summary(v_before, 'all', null, v_schedule.is_all_day), app.answer_summary(v_after, 'all', null, v_schedule.is_all_day), p_request_id);
  perform app.notify_of_answer((select v_schedule.organiser_user_id
      where (select d.role is not null from app.decide_schedule_access(v_schedule.organiser_user_id, v_schedule.id) d)),
    v_schedule, v_after, v_after.name, 'all', null, p_response, p_request_id, p_traceparent);
  return app.rsvp_json(v_after);
end $$;

grant execute on function app.write_answer, app.answer_summary, app.find_organiser, app.notify_of_answer, app.load_answer,
  app.respond_to_schedule, app.preview_rsvp, app.answer_rsvp to app_user;
