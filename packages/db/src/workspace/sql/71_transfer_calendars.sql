-- The calendars of a workspace in its export and import.
--
-- Whoever may export a workspace has all of it: every calendar, whole, as they have every canvas, though they subscribe to none of
-- them; what is private too, or the export would lose it. So nothing but the job reads this way, and only while the export that an
-- admin asked for runs, for as long as they are one; the audit log says of which calendars it was. The reminders of others stay theirs.

-- The export that runs, of an admin. Only the functions below call it.
create or replace function app.require_export(p_transfer_id uuid) returns app.transfers
language plpgsql stable set search_path = app, pg_temp as $$
declare
  v_transfer transfers;
begin
  select * into v_transfer from transfers t where t.id = p_transfer_id and t.kind = 'export' and t.status = 'running';
  if not found then
    perform app.fail('PT404', 'transfer.not_found', 'There is no such transfer.');
  end if;
  if coalesce(app.find_workspace_role(v_transfer.created_by, v_transfer.workspace_id), 'guest') not in ('owner', 'admin') then
    perform app.fail('PT403', 'workspace.forbidden', 'Your role in this workspace does not allow this.');
  end if;
  return v_transfer;
end $$;

-- Every calendar of the workspace, by id.
create or replace function app.list_exported_calendars(p_transfer_id uuid, p_after_id uuid, p_limit int)
returns table (id uuid, name text, description text, color text, time_zone text, is_exclusive boolean, updated_at timestamptz)
language plpgsql stable security definer set search_path = app, pg_temp as $$
declare
  v_workspace_id constant uuid := (app.require_export(p_transfer_id)).workspace_id;
begin
  return query select c.id, c.name, c.description, c.color, c.time_zone, c.is_exclusive, c.updated_at
    from calendars c
    where c.workspace_id = v_workspace_id and c.id > coalesce(p_after_id, '00000000-0000-0000-0000-000000000000')
    order by c.id limit least(greatest(p_limit, 1), 1000);
end $$;

-- Notes that the calendar is read; the zones that its schedules name.
create or replace function app.open_exported_calendar(p_transfer_id uuid, p_calendar_id uuid, p_request_id text) returns jsonb
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_transfer constant transfers := app.require_export(p_transfer_id);
  v_name text;
begin
  select c.name into v_name from calendars c where c.workspace_id = v_transfer.workspace_id and c.id = p_calendar_id;
  if not found then
    perform app.fail('PT404', 'calendar.not_found', 'There is no such calendar.');
  end if;
  perform app.append_audit(v_transfer.created_by, v_transfer.workspace_id, null, 'calendar.export', 'calendar', p_calendar_id::text, null,
    jsonb_build_object('name', v_name, 'transfer_id', p_transfer_id), p_request_id);
  return to_jsonb(array(select distinct s.time_zone from schedules s
    where s.workspace_id = v_transfer.workspace_id and s.calendar_id = p_calendar_id and s.time_zone is not null order by 1));
end $$;

-- The next schedules of a calendar, whole, with the reminders of whoever asked for the export.
create or replace function app.list_exported_schedules(p_transfer_id uuid, p_calendar_id uuid, p_after_id uuid, p_limit int)
returns table (id uuid, item jsonb)
language plpgsql stable security definer set search_path = app, pg_temp as $$
declare
  v_transfer constant transfers := app.require_export(p_transfer_id);
begin
  return query select s.id, app.ics_full(v_transfer.created_by, s) from schedules s
    where s.workspace_id = v_transfer.workspace_id and s.calendar_id = p_calendar_id
      and s.id > coalesce(p_after_id, '00000000-0000-0000-0000-000000000000')
    order by s.id limit least(greatest(p_limit, 1), 1000);
end $$;

grant execute on function app.list_exported_calendars, app.open_exported_calendar, app.list_exported_schedules to job_user;

-- What follows an import does as the admin who asked, like everybody else who makes a calendar.

-- A calendar under an id that an import derived: made once, however often it is asked for.
create or replace function app.take_in_calendar(p_user_id uuid, p_workspace_id uuid, p_calendar_id uuid, p_fields jsonb,
  p_request_id text, p_traceparent text) returns void
language plpgsql set search_path = app, pg_temp as $$
begin
  perform app.set_tenant_context(p_user_id, p_workspace_id, 'admin');
  if app.get_calendar_tenant(p_user_id, p_calendar_id) is null then
    perform app.create_calendar(p_user_id, p_calendar_id, p_workspace_id, p_fields, p_request_id, p_traceparent);
  end if;
exception when unique_violation then
  -- It was made, handed over and left meanwhile.
  perform app.fail('PT404', 'calendar.not_found', 'There is no such calendar.');
end $$;

-- A part of the schedules of a calendar whose schedules never overlap, by their UIDs, each with the `bookings` that it takes. One
-- that finds its time taken, or the calendar full, is left out, and answered with the reason.
create or replace function app.take_in_booked_schedules(p_user_id uuid, p_calendar_id uuid, p_items jsonb, p_request_id text,
  p_traceparent text) returns table (uid text, code text, message text)
language plpgsql set search_path = app, pg_temp set lock_timeout = '2s' as $$
#variable_conflict use_column
declare
  v_workspace_id constant uuid := (app.set_calendar_context(p_user_id, p_calendar_id, 'editor')).workspace_id;
  v_seq constant bigint := app.next_calendar_seq(v_workspace_id, p_calendar_id);
  v_item jsonb;
begin
  for v_item in select e from jsonb_array_elements(p_items) e loop
    uid := v_item ->> 'uid';
    begin
      perform from schedules s where s.workspace_id = v_workspace_id and s.calendar_id = p_calendar_id and s.uid = v_item ->> 'uid';
      if not found then
        perform app.check_room_for_schedule(v_workspace_id, p_calendar_id);
      end if;
      perform app.import_schedule(p_user_id, v_workspace_id, p_calendar_id, v_seq, v_item, p_request_id, p_traceparent);
      perform app.book_schedule(v_workspace_id, p_calendar_id, s.id, v_item -> 'bookings')
      from schedules s where s.workspace_id = v_workspace_id and s.calendar_id = p_calendar_id and s.uid = v_item ->> 'uid';
    exception when sqlstate 'PT409' then
      get stacked diagnostics code = message_text, message = pg_exception_hint;
      return next;
    end;
  end loop;
end $$;

grant execute on function app.take_in_calendar, app.take_in_booked_schedules to app_user;
