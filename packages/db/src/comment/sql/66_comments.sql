-- What clients read: equal for every reader. Of a deleted comment only its place is told.
create or replace function app.comment_json(c app.comments) returns jsonb language sql stable parallel safe
  return jsonb_build_object('id', (c).id, 'canvas_id', (c).canvas_id, 'thread_id', (c).thread_id, 'block_id', (c).block_id,
    'text', (c).text, 'mentions', to_jsonb((c).mentions), 'version', (c).version, 'created_by', (c).created_by,
    'created_at', app.iso((c).created_at), 'updated_at', app.iso((c).updated_at), 'edited_at', app.iso((c).edited_at),
    'resolved_at', app.iso((c).resolved_at), 'resolved_by', (c).resolved_by, 'deleted', (c).deleted_at is not null);

-- Which of these people can be addressed on a canvas: persons with access to it. For those with access alone.
create or replace function app.filter_canvas_people(p_user_id uuid, p_canvas_id uuid, p_user_ids uuid[]) returns uuid[]
language plpgsql stable security definer set search_path = app, pg_temp as $$
begin
  if (app.find_canvas_access(p_user_id, p_canvas_id)).rank is null then
    perform app.fail('PT404', 'canvas.not_found', 'There is no such canvas.');
  end if;
  return array(select u.id from users u
    where u.id = any (p_user_ids) and u.kind = 'person' and (app.find_canvas_access(u.id, p_canvas_id)).rank is not null
    order by u.id);
end $$;

-- Whoever is mentioned must be there to read it. Names the first who is not.
create or replace function app.check_mentions(p_user_id uuid, p_canvas_id uuid, p_mentions uuid[]) returns void
language plpgsql set search_path = app, pg_temp as $$
declare
  v_people constant uuid[] := case when cardinality(p_mentions) > 0
    then app.filter_canvas_people(p_user_id, p_canvas_id, p_mentions) else '{}' end;
begin
  for v_index in 1 .. cardinality(p_mentions) loop
    if not p_mentions[v_index] = any (v_people) then
      perform app.fail('PT400', 'comment.mention_unknown', 'Nobody with this id can see the canvas.',
        jsonb_build_object('pointer', concat('/mentions/', v_index - 1)));
    end if;
  end loop;
end $$;

-- Live ones alone, unless p_deleted_too. The caller has the context.
create or replace function app.find_comment(p_workspace_id uuid, p_canvas_id uuid, p_comment_id uuid, p_deleted_too boolean default false)
returns app.comments language plpgsql stable set search_path = app, pg_temp as $$
declare
  v_comment comments;
begin
  select * into v_comment from comments c where c.workspace_id = p_workspace_id and c.canvas_id = p_canvas_id and c.id = p_comment_id
    and (p_deleted_too or c.deleted_at is null);
  if not found then
    perform app.fail('PT404', 'comment.not_found', 'There is no such comment.');
  end if;
  return v_comment;
end $$;

create or replace function app.notify_of_comment(p_user_ids uuid[], p_type text, p_comment app.comments, p_traceparent text,
  p_request_id text, p_actor_user_id uuid) returns void
language plpgsql set search_path = app, pg_temp as $$
begin
  insert into outbox (id, topic, workspace_id, user_id, payload, traceparent, request_id)
  select app.uuidv7(), 'me.deliver', p_comment.workspace_id, u.id,
    jsonb_build_object('user_id', u.id, 'type', p_type, 'canvas_id', p_comment.canvas_id, 'title', c.title,
      'comment_id', p_comment.id, 'thread_id', coalesce(p_comment.thread_id, p_comment.id), 'block_id', p_comment.block_id,
      'actor_user_id', p_actor_user_id, 'excerpt', left(p_comment.text, 200)),
    p_traceparent, p_request_id
  from unnest(p_user_ids) u (id)
  join canvases c on c.workspace_id = p_comment.workspace_id and c.id = p_comment.canvas_id;
end $$;

-- What every change of a comment ends with: its event and its audit row. The caller holds the canvas's lock.
create or replace function app.record_comment_change(p_user_id uuid, p_comment app.comments, p_change text, p_mutation_id uuid,
  p_request_hash text, p_before jsonb, p_after jsonb, p_request_id text, out seq bigint, out frame text)
language plpgsql set search_path = app, pg_temp as $$
declare
  v_actions constant jsonb := '{"created": "create", "updated": "update", "resolved": "resolve", "reopened": "reopen", "deleted": "delete"}';
begin
  select e.seq, e.frame into seq, frame from app.append_canvas_event(p_user_id, p_comment.workspace_id, p_comment.canvas_id,
    'comment.' || p_change, p_mutation_id, p_request_hash, p_request_id,
    json_build_object('comment', app.comment_json(p_comment)), p_comment.updated_at) e;
  perform app.append_audit(p_user_id, p_comment.workspace_id, p_comment.canvas_id, 'comment.' || (v_actions ->> p_change),
    'comment', p_comment.id::text, p_before, p_after, p_request_id);
end $$;

create or replace function app.comment_summary(c app.comments) returns jsonb language sql stable parallel safe
  return jsonb_build_object('text', left((c).text, 200), 'thread_id', (c).thread_id, 'block_id', (c).block_id,
    'mentions', to_jsonb((c).mentions));

-- Begins a thread, or with p_thread_id replies in one. p_block_id: what the thread is about; a reply is about what its
-- thread is about. p_mentions holds nobody twice.
create or replace function app.create_comment(p_user_id uuid, p_canvas_id uuid, p_comment_id uuid, p_mutation_id uuid,
  p_request_hash text, p_thread_id uuid, p_block_id uuid, p_text text, p_mentions uuid[], p_request_id text, p_traceparent text,
  out comment jsonb, out replayed boolean, out seq bigint, out frame text, out notified boolean)
language plpgsql set search_path = app, pg_temp as $$
declare
  v_head record;
  v_known canvas_events;
  v_block_id uuid := p_block_id;
  v_comment comments;
  v_mentioned uuid[];
  v_participants uuid[] := '{}';
begin
  v_head := app.lock_canvas(p_user_id, p_canvas_id, 'commenter');
  v_known := app.find_mutation(v_head.workspace_id, p_canvas_id, p_mutation_id, p_request_hash);
  if v_known.seq is not null then
    comment := v_known.payload -> 'comment';
    replayed := true;
    notified := false;
    return;
  end if;
  perform app.check_not_archived(v_head.workspace_id, p_canvas_id);
  perform app.check_mentions(p_user_id, p_canvas_id, p_mentions);
  if p_thread_id is not null then
    v_comment := app.find_comment(v_head.workspace_id, p_canvas_id, p_thread_id, true);
    if v_comment.thread_id is not null then
      perform app.fail('PT400', 'comment.not_a_thread', 'A reply has no replies of its own.', '{"pointer": "/thread_id"}');
    end if;
    v_block_id := v_comment.block_id;
  elsif p_block_id is not null then
    perform from blocks b where b.workspace_id = v_head.workspace_id and b.canvas_id = p_canvas_id and b.id = p_block_id and b.deleted_at is null;
    if not found then
      perform app.fail('PT400', 'comment.block_unknown', 'There is no such block on this canvas.', '{"pointer": "/block_id"}');
    end if;
  end if;
  insert into comments as c (workspace_id, canvas_id, id, thread_id, block_id, text, mentions, created_by, created_at, updated_at)
  values (v_head.workspace_id, p_canvas_id, p_comment_id, p_thread_id, v_block_id, p_text, p_mentions, p_user_id,
    clock_timestamp(), clock_timestamp())
  returning * into v_comment;
  select r.seq, r.frame into seq, frame from app.record_comment_change(p_user_id, v_comment, 'created', p_mutation_id,
    p_request_hash, null, app.comment_summary(v_comment), p_request_id) r;
  v_mentioned := array_remove(p_mentions, p_user_id);
  if p_thread_id is not null then
    v_participants := app.filter_canvas_people(p_user_id, p_canvas_id, array(
      select distinct c.created_by from comments c
      where c.workspace_id = v_head.workspace_id and c.canvas_id = p_canvas_id and (c.id = p_thread_id or c.thread_id = p_thread_id)
        and c.created_by <> p_user_id and not c.created_by = any (v_mentioned) limit 200));
  end if;
  perform app.notify_of_comment(v_mentioned, 'comment.mentioned', v_comment, p_traceparent, p_request_id, p_user_id);
  perform app.notify_of_comment(v_participants, 'comment.replied', v_comment, p_traceparent, p_request_id, p_user_id);
  comment := app.comment_json(v_comment);
  replayed := false;
  notified := cardinality(v_mentioned) + cardinality(v_participants) > 0;
end $$;

-- One's own alone. Whoever is mentioned anew is told.
create or replace function app.update_comment(p_user_id uuid, p_canvas_id uuid, p_comment_id uuid, p_mutation_id uuid,
  p_request_hash text, p_version int, p_text text, p_mentions uuid[], p_request_id text, p_traceparent text,
  out comment jsonb, out replayed boolean, out seq bigint, out frame text, out notified boolean)
language plpgsql set search_path = app, pg_temp as $$
declare
  v_head record;
  v_known canvas_events;
  v_before comments;
  v_after comments;
  v_mentioned uuid[];
begin
  v_head := app.lock_canvas(p_user_id, p_canvas_id, 'commenter');
  v_known := app.find_mutation(v_head.workspace_id, p_canvas_id, p_mutation_id, p_request_hash);
  if v_known.seq is not null then
    comment := v_known.payload -> 'comment';
    replayed := true;
    notified := false;
    return;
  end if;
  v_before := app.find_comment(v_head.workspace_id, p_canvas_id, p_comment_id);
  if v_before.created_by <> p_user_id then
    perform app.fail('PT403', 'comment.forbidden', 'Only who wrote a comment changes it.');
  end if;
  perform app.check_not_archived(v_head.workspace_id, p_canvas_id);
  if v_before.version <> p_version then
    perform app.fail('PT409', 'comment.version_conflict', 'The comment was changed meanwhile.',
      jsonb_build_object('current', app.comment_json(v_before)));
  end if;
  perform app.check_mentions(p_user_id, p_canvas_id, p_mentions);
  update comments c
  set text = p_text, mentions = p_mentions, version = c.version + 1, updated_at = clock_timestamp(), edited_at = clock_timestamp()
  where c.workspace_id = v_head.workspace_id and c.canvas_id = p_canvas_id and c.id = p_comment_id
  returning * into v_after;
  select r.seq, r.frame into seq, frame from app.record_comment_change(p_user_id, v_after, 'updated', p_mutation_id,
    p_request_hash, app.comment_summary(v_before), app.comment_summary(v_after), p_request_id) r;
  v_mentioned := array(select m.id from unnest(p_mentions) m (id) where m.id <> p_user_id and not m.id = any (v_before.mentions));
  perform app.notify_of_comment(v_mentioned, 'comment.mentioned', v_after, p_traceparent, p_request_id, p_user_id);
  comment := app.comment_json(v_after);
  replayed := false;
  notified := cardinality(v_mentioned) > 0;
end $$;

-- A thread, by everybody who may comment. Twice is once: then there is no event.
create or replace function app.set_thread_resolved(
  p_user_id uuid, p_canvas_id uuid, p_comment_id uuid, p_resolved boolean, p_request_id text,
  out comment jsonb, out seq bigint, out frame text)
language plpgsql set search_path = app, pg_temp as $$
declare
  v_head record;
  v_comment comments;
  v_before jsonb;
begin
  v_head := app.lock_canvas(p_user_id, p_canvas_id, 'commenter');
  v_comment := app.find_comment(v_head.workspace_id, p_canvas_id, p_comment_id, true);
  v_before := jsonb_build_object('resolved_at', app.iso(v_comment.resolved_at));
  if v_comment.thread_id is not null then
    perform app.fail('PT400', 'comment.not_a_thread', 'Only a whole thread is resolved.', '{"pointer": "/comment_id"}');
  end if;
  perform app.check_not_archived(v_head.workspace_id, p_canvas_id);
  if (v_comment.resolved_at is not null) <> p_resolved then
    update comments c
    set resolved_at = case when p_resolved then clock_timestamp() end, resolved_by = case when p_resolved then p_user_id end,
      version = c.version + 1, updated_at = clock_timestamp()
    where c.workspace_id = v_head.workspace_id and c.canvas_id = p_canvas_id and c.id = p_comment_id
    returning * into v_comment;
    select r.seq, r.frame into seq, frame from app.record_comment_change(p_user_id, v_comment,
      case when p_resolved then 'resolved' else 'reopened' end, null, null, v_before,
      jsonb_build_object('resolved_at', app.iso(v_comment.resolved_at)), p_request_id) r;
  end if;
  comment := app.comment_json(v_comment);
end $$;

-- One's own, or as an admin anybody's. Its words are gone for good; a thread that has replies keeps its place.
create or replace function app.delete_comment(p_user_id uuid, p_canvas_id uuid, p_comment_id uuid, p_request_id text,
  out seq bigint, out frame text)
language plpgsql set search_path = app, pg_temp as $$
declare
  v_head record;
  v_before comments;
  v_after comments;
begin
  v_head := app.lock_canvas(p_user_id, p_canvas_id, 'commenter');
  v_before := app.find_comment(v_head.workspace_id, p_canvas_id, p_comment_id);
  if v_before.created_by <> p_user_id and app.role_rank(v_head.role) < app.role_rank('admin') then
    perform app.fail('PT403', 'comment.forbidden', 'Only who wrote a comment, and admins, delete it.');
  end if;
  perform app.check_not_archived(v_head.workspace_id, p_canvas_id);
  update comments c
  set text = '', mentions = '{}', version = c.version + 1, updated_at = clock_timestamp(), deleted_at = clock_timestamp()
  where c.workspace_id = v_head.workspace_id and c.canvas_id = p_canvas_id and c.id = p_comment_id
  returning * into v_after;
  select r.seq, r.frame into seq, frame from app.record_comment_change(p_user_id, v_after, 'deleted', null, null,
    app.comment_summary(v_before), null, p_request_id) r;
end $$;

grant execute on function app.comment_json, app.filter_canvas_people, app.check_mentions, app.find_comment,
  app.notify_of_comment, app.record_comment_change, app.comment_summary, app.create_comment,
  app.update_comment, app.set_thread_resolved, app.delete_comment to app_user;
grant select, insert, update on app.comments to app_user;
