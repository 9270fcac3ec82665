-- Bodies in SQL-standard form are bound when they are created, so they need no search_path and the planner inlines them.

-- ISO 8601, UTC, up to microseconds. The text of a timestamp (DateStyle is ISO, which the client pins) with two letters
-- changed takes a third of the time of to_char, and a page of 50 blocks has 100 of them.
create or replace function app.iso(p_at timestamptz) returns text language sql stable parallel safe
  return replace((p_at at time zone 'UTC')::text, ' ', 'T') || 'Z';

create or replace function app.uuidv7() returns uuid language sql volatile parallel safe
  return encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
    placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3) from 1 for 6), 52, 1), 53, 1), 'hex')::uuid;

create or replace function app.is_uuid(p_text text) returns boolean language sql immutable parallel safe
  return coalesce(p_text ~* '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$', false);

-- Ends the statement with an error that the client maps: PT400 invalid, PT403 forbidden, PT404 not_found, PT409 conflict,
-- PT412 precondition, PT429 limit. p_message may be shown to people.
create or replace function app.fail(p_sqlstate text, p_code text, p_message text, p_detail jsonb default '{}') returns void
language plpgsql set search_path = app, pg_temp as $$
begin
  raise exception using errcode = p_sqlstate, message = p_code, hint = p_message, detail = p_detail::text;
end $$;

grant execute on function app.iso, app.uuidv7, app.is_uuid, app.fail to app_user, job_user, wa_user;
