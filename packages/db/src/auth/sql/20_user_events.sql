-- What /ws/me delivers. The one place that makes its frame.
create or replace function app.user_event_frame(e app.user_events, p_epoch uuid) returns text language sql stable parallel safe
  return concat('{"type":"event","epoch":"', p_epoch, '","seq":', (e).seq, ',"event":', to_json((e).type),
    ',"at":"', app.iso((e).created_at), '","payload":', (e).payload, '}');

-- Numbers only, for anybody.
create or replace function app.get_user_heads(p_user_ids uuid[]) returns table (user_id uuid, epoch uuid, seq bigint)
language plpgsql stable security definer set search_path = app, pg_temp as $$
begin
  return query select h.user_id, h.epoch, h.seq from user_heads h where h.user_id = any (p_user_ids);
end $$;

create or replace function app.get_user_events(p_user_id uuid, p_after_seq bigint, p_limit int)
returns table (seq bigint, frame text) language plpgsql set search_path = app, pg_temp as $$
begin
  perform app.set_user_context(p_user_id);
  return query select e.seq, app.user_event_frame(e, h.epoch)
    from user_events e join user_heads h on h.user_id = e.user_id
    where e.user_id = p_user_id and e.seq > p_after_seq
    order by e.seq limit least(greatest(p_limit, 1), 1000);
end $$;

-- One event per outbox row, however often it is asked for; is_new says whether this call made it.
create or replace function app.append_user_event(p_user_id uuid, p_outbox_id uuid, p_type text, p_payload jsonb,
  out seq bigint, out epoch uuid, out created_at timestamptz, out is_new boolean, out frame text)
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_event user_events;
begin
  select h.epoch into epoch from user_heads h where h.user_id = p_user_id for update;
  if not found then
    perform app.fail('PT404', 'user.not_found', 'There is no such user.');
  end if;
  select * into v_event from user_events e where e.user_id = p_user_id and e.outbox_id = p_outbox_id;
  is_new := not found;
  if is_new then
    update user_heads h set seq = h.seq + 1 where h.user_id = p_user_id returning h.seq into append_user_event.seq;
    insert into user_events (user_id, seq, outbox_id, type, payload, created_at)
    values (p_user_id, append_user_event.seq, p_outbox_id, p_type, p_payload, clock_timestamp())
    returning * into v_event;
  end if;
  seq := v_event.seq;
  created_at := v_event.created_at;
  frame := app.user_event_frame(v_event, epoch);
end $$;

grant execute on function app.user_event_frame, app.get_user_heads, app.get_user_events to app_user;
grant execute on function app.append_user_event to job_user;
