-- Reading the fields of an op, with an error that names the op and the field.

create or replace function app.op_detail(p_op_index int, p_field text default null) returns jsonb language sql immutable parallel safe
  return jsonb_build_object('op_index', p_op_index, 'pointer', concat('/ops/', p_op_index, '/' || p_field));

create or replace function app.uuid_field(p_op jsonb, p_field text, p_op_index int, p_nullable boolean) returns uuid
language plpgsql immutable set search_path = app, pg_temp as $$
declare
  v_text constant text := p_op ->> p_field;
begin
  if v_text is null and p_nullable then
    return null;
  end if;
  if not app.is_uuid(v_text) then
    perform app.fail('PT400', 'block.id_invalid', format('%s must be a UUID.', p_field), app.op_detail(p_op_index, p_field));
  end if;
  return v_text::uuid;
end $$;

create or replace function app.version_field(p_op jsonb, p_op_index int) returns int
language plpgsql immutable set search_path = app, pg_temp as $$
begin
  if p_op ->> 'version' ~ '^[1-9][0-9]{0,8}$' then
    return (p_op ->> 'version')::int;
  end if;
  perform app.fail('PT400', 'block.version_invalid', 'version must be a positive integer.', app.op_detail(p_op_index, 'version'));
end $$;

create or replace function app.check_op_texts(p_op jsonb, p_op_index int) returns void
language plpgsql immutable set search_path = app, pg_temp as $$
begin
  if p_op ? 'type' and (jsonb_typeof(p_op -> 'type') <> 'string' or p_op ->> 'type' !~ '^[a-z][a-z0-9_-]{0,63}$') then
    perform app.fail('PT400', 'block.type_invalid', 'type must be a short lower-case word.', app.op_detail(p_op_index, 'type'));
  end if;
  if p_op ? 'content' and jsonb_typeof(p_op -> 'content') <> 'object' then
    perform app.fail('PT400', 'block.content_invalid', 'content must be an object.', app.op_detail(p_op_index, 'content'));
  end if;
  if p_op ? 'rank' and (jsonb_typeof(p_op -> 'rank') <> 'string' or p_op ->> 'rank' !~ '^[0-9A-Za-z]+$' or char_length(p_op ->> 'rank') > 2000) then
    perform app.fail('PT400', 'block.rank_invalid', 'rank must be 1 to 2000 letters and digits.', app.op_detail(p_op_index, 'rank'));
  end if;
end $$;

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

grant execute on function app.op_detail, app.uuid_field, app.version_field, app.check_op_texts, app.find_mutation to app_user;
