-- What clients read. type and rank are restricted by check constraints to characters that JSON need not escape.
create or replace function app.block_json(b app.blocks) returns text language sql stable parallel safe
  return concat('{"id":"', (b).id, '","canvas_id":"', (b).canvas_id, '","parent_id":',
    case when (b).parent_id is null then 'null' else '"' || (b).parent_id || '"' end,
    ',"type":"', (b).type, '","content":', (b).content, ',"rank":"', (b).rank, '","version":', (b).version,
    ',"created_by":"', (b).created_by, '","updated_by":"', (b).updated_by,
    '","created_at":"', app.iso((b).created_at), '","updated_at":"', app.iso((b).updated_at), '"}');

-- A block that was moved: its content is what it was, and a hundred bytes that move it must not send 64 KB to everybody.
create or replace function app.moved_block_json(b app.blocks) returns text language sql stable parallel safe
  return concat('{"id":"', (b).id, '","canvas_id":"', (b).canvas_id, '","parent_id":',
    case when (b).parent_id is null then 'null' else '"' || (b).parent_id || '"' end,
    ',"type":"', (b).type, '","rank":"', (b).rank, '","version":', (b).version,
    ',"created_by":"', (b).created_by, '","updated_by":"', (b).updated_by,
    '","created_at":"', app.iso((b).created_at), '","updated_at":"', app.iso((b).updated_at), '"}');

-- Without the caller's role: what events carry, equal for every reader.
create or replace function app.canvas_json(c app.canvases, p_is_personal boolean) returns jsonb language sql stable parallel safe
  return jsonb_build_object('id', (c).id, 'workspace_id', (c).workspace_id, 'title', (c).title, 'icon', (c).icon,
    'version', (c).version, 'is_personal', p_is_personal, 'archived_at', app.iso((c).archived_at),
    'created_by', (c).created_by, 'created_at', app.iso((c).created_at), 'updated_at', app.iso((c).updated_at));

-- The one place that makes an event frame: what is published after the commit and what fills a gap later are the same text.
create or replace function app.frame_of(p_canvas_id uuid, p_epoch uuid, p_seq bigint, p_type text, p_mutation_id uuid,
  p_actor_user_id uuid, p_request_id text, p_at timestamptz, p_payload json) returns text language sql stable parallel safe
  return concat('{"type":"event","canvas_id":"', p_canvas_id, '","epoch":"', p_epoch, '","seq":', p_seq, ',"event":"', p_type,
    '","mutation_id":', case when p_mutation_id is null then 'null' else '"' || p_mutation_id || '"' end,
    ',"actor_user_id":', case when p_actor_user_id is null then 'null' else '"' || p_actor_user_id || '"' end,
    ',"request_id":', to_json(p_request_id), ',"at":"', app.iso(p_at),
    '","payload":', p_payload, '}');

create or replace function app.event_frame(e app.canvas_events, p_epoch uuid) returns text language sql stable parallel safe
  return app.frame_of((e).canvas_id, p_epoch, (e).seq, (e).type, (e).mutation_id, (e).actor_user_id, (e).request_id, (e).created_at,
    (e).payload);

create or replace function app.is_personal(p_workspace_id uuid) returns boolean
language plpgsql stable security definer set search_path = app, pg_temp as $$
begin
  return (select w.is_personal from workspaces w where w.id = p_workspace_id);
end $$;

grant execute on function app.block_json, app.moved_block_json, app.canvas_json, app.frame_of, app.event_frame, app.is_personal to app_user;
