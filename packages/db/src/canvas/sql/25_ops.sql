-- Reading the fields of an op, with an error that names the op and the field.

create or replace function app.op_detail(p_op_index int, p_field text default null) returns jsonb language sql immutable parallel safe
  return jsonb_build_object('op_index', p_op_index, 'pointer', concat('/ops/', p_op_index, '/' || p_field));

-- Says what is wrong with a field.
create or replace function app.fail_field(p_field text, p_op_index int) returns text
language plpgsql set search_path = app, pg_temp as $$
begin
  perform app.fail('PT400',
    case when p_field in ('type', 'content', 'rank', 'version') then concat('block.', p_field, '_invalid') else 'block.id_invalid' end,
    case p_field
      when 'type' then 'type must be a short lower-case word.'
      when 'content' then 'content must be an object.'
      when 'rank' then 'rank must be 1 to 2000 letters and digits.'
      when 'version' then 'version must be a positive integer.'
      else format('%s must be a UUID.', p_field)
    end, app.op_detail(p_op_index, p_field));
end $$;

-- Every op pays for these: in this form they become part of the expressions that use them, which costs no call. (volatile, as
-- what they call is: else they would not.)

create or replace function app.uuid_field(p_op jsonb, p_field text, p_op_index int, p_nullable boolean) returns uuid language sql volatile
  return case
    when app.is_uuid(p_op ->> p_field) then (p_op ->> p_field)::uuid
    when p_op ->> p_field is not null or not p_nullable then app.fail_field(p_field, p_op_index)::uuid
  end;

create or replace function app.version_field(p_op jsonb, p_op_index int) returns int language sql volatile
  return case when p_op ->> 'version' ~ '^[1-9][0-9]{0,8}$' then (p_op ->> 'version')::int
    else app.fail_field('version', p_op_index)::int end;

-- The first field whose text is not of its form; null: all are.
create or replace function app.wrong_text_field(p_op jsonb) returns text language sql immutable parallel safe
  return case
    when p_op ? 'type' and (jsonb_typeof(p_op -> 'type') <> 'string' or p_op ->> 'type' !~ '^[a-z][a-z0-9_-]{0,63}$') then 'type'
    when p_op ? 'content' and jsonb_typeof(p_op -> 'content') <> 'object' then 'content'
    when p_op ? 'rank' and (jsonb_typeof(p_op -> 'rank') <> 'string' or p_op ->> 'rank' !~ '^[0-9A-Za-z]+$'
      or char_length(p_op ->> 'rank') > 2000) then 'rank'
  end;

-- The version that an op makes of its block. A move without one is the only op of its mutation, whose payload tells it.
create or replace function app.made_version(p_op jsonb, p_payload text) returns int language sql immutable parallel safe
  return case
    when p_op ->> 'op' = 'create' then 1
    when p_op ->> 'version' is not null then (p_op ->> 'version')::int + 1
    else (p_payload::json #>> '{ops,0,block,version}')::int
  end;

-- The event that this mutation made before; null: it is new. The same id with another request is a conflict.
create or replace function app.find_mutation(p_workspace_id uuid, p_canvas_id uuid, p_mutation_id uuid, p_request_hash text)
returns app.canvas_events language plpgsql stable set search_path = app, pg_temp as $$
declare
  v_known canvas_events;
begin
  select * into v_known from canvas_events e
  where e.workspace_id = p_workspace_id and e.canvas_id = p_canvas_id and e.mutation_id = p_mutation_id;
  if found and v_known.request_hash is distinct from p_request_hash then
    perform app.fail('PT409', 'canvas.mutation_reused', 'This mutation id was used for another mutation.');
  end if;
  return v_known;
end $$;

grant execute on function app.op_detail, app.fail_field, app.uuid_field, app.version_field, app.wrong_text_field, app.made_version,
  app.find_mutation to app_user;
