create or replace function app.share_link_json(s app.share_links) returns jsonb language sql stable parallel safe
  return jsonb_build_object('id', (s).id, 'canvas_id', (s).canvas_id, 'last_four', (s).last_four,
    'has_password', (s).password_hash is not null, 'expires_at', app.iso((s).expires_at),
    'expired', coalesce((s).expires_at <= now(), false), 'created_by', (s).created_by, 'created_at', app.iso((s).created_at),
    'last_used_at', app.iso((s).last_used_at), 'use_count', (s).use_count);

create or replace function app.create_share_link(p_user_id uuid, p_canvas_id uuid, p_id uuid, p_token_hash bytea,
  p_last_four text, p_password_hash text, p_expires_at timestamptz, p_request_id text) returns jsonb
language plpgsql set search_path = app, pg_temp as $$
declare
  v_max constant int := 50;
  v_head record;
  v_link share_links;
begin
  v_head := app.lock_canvas(p_user_id, p_canvas_id, 'admin');
  perform app.check_feature(v_head.workspace_id, 'share_links');
  perform app.check_not_archived(v_head.workspace_id, p_canvas_id);
  if p_expires_at <= now() then
    perform app.fail('PT400', 'share_link.expired', 'A link must expire in the future.', '{"pointer": "/expires_at"}');
  end if;
  if (select count(*) from share_links s where s.workspace_id = v_head.workspace_id and s.canvas_id = p_canvas_id) >= v_max then
    perform app.fail('PT409', 'share_link.too_many', format('A canvas has at most %s links; revoke one.', v_max));
  end if;
  insert into share_links (workspace_id, canvas_id, id, token_hash, last_four, password_hash, expires_at, created_by)
  values (v_head.workspace_id, p_canvas_id, p_id, p_token_hash, p_last_four, p_password_hash, p_expires_at, p_user_id)
  returning * into v_link;
  perform app.append_audit(p_user_id, v_head.workspace_id, p_canvas_id, 'share_link.create', 'share_link', p_id::text, null,
    jsonb_build_object('last_four', p_last_four, 'has_password', p_password_hash is not null, 'expires_at', app.iso(p_expires_at)),
    p_request_id);
  return app.share_link_json(v_link);
end $$;

create or replace function app.list_share_links(p_user_id uuid, p_canvas_id uuid) returns table (link jsonb)
language plpgsql set search_path = app, pg_temp as $$
declare
  v_workspace_id constant uuid := (app.set_canvas_context(p_user_id, p_canvas_id, 'admin')).workspace_id;
begin
  return query select app.share_link_json(s) from share_links s
    where s.workspace_id = v_workspace_id and s.canvas_id = p_canvas_id order by s.id desc;
end $$;

create or replace function app.revoke_share_link(p_user_id uuid, p_canvas_id uuid, p_id uuid, p_request_id text) returns void
language plpgsql set search_path = app, pg_temp as $$
declare
  v_head record;
  v_link share_links;
begin
  v_head := app.lock_canvas(p_user_id, p_canvas_id, 'admin');
  delete from share_links s where s.workspace_id = v_head.workspace_id and s.canvas_id = p_canvas_id and s.id = p_id
  returning * into v_link;
  if not found then
    perform app.fail('PT404', 'share_link.not_found', 'There is no such link.');
  end if;
  perform app.append_audit(p_user_id, v_head.workspace_id, p_canvas_id, 'share_link.revoke', 'share_link', p_id::text,
    jsonb_build_object('last_four', v_link.last_four, 'has_password', v_link.password_hash is not null), null, p_request_id);
end $$;

-- For anybody who has the token. Nothing at all: no such link, or it has ended, or its canvas is archived, or its workspace
-- is deleted or lets nobody share. With a password the canvas comes once p_unlocked is the hash that the password was checked
-- against. attachments are all that are ready, for the caller to show those that the text names. Only what stands here leaves the tenant: no id of it, of the canvas or of a person. Ids of either inside content (an
-- address of an attachment names its canvas) are blanked. Uses are counted one by one at first, then one in ten for ten.
create or replace function app.open_share_link(p_token_hash bytea, p_unlocked text)
returns table (link_id uuid, password_hash text, shared text, attachments jsonb)
language plpgsql security definer set search_path = app, pg_temp as $$
#variable_conflict use_column
declare
  v_exact constant int := 100;
  v_link share_links;
begin
  select s.* into v_link from share_links s
  join canvases c on c.workspace_id = s.workspace_id and c.id = s.canvas_id and c.archived_at is null
  join workspaces w on w.id = s.workspace_id and w.deleted_at is null
  where s.token_hash = p_token_hash and (s.expires_at is null or s.expires_at > now());
  if not found or not app.is_feature_enabled(v_link.workspace_id, 'share_links') then
    return;
  end if;
  if v_link.password_hash is not null and v_link.password_hash is distinct from p_unlocked then
    return query select v_link.id, v_link.password_hash, null::text, null::jsonb;
    return;
  end if;
  if v_link.use_count < v_exact or random() < 0.1 then
    update share_links s
    set use_count = s.use_count + case when s.use_count < v_exact then 1 else 10 end, last_used_at = now()
    where s.workspace_id = v_link.workspace_id and s.canvas_id = v_link.canvas_id and s.id = (
      select l.id from share_links l where l.workspace_id = v_link.workspace_id and l.canvas_id = v_link.canvas_id and l.id = v_link.id
      for update skip locked);
  end if;
  return query
    select v_link.id, v_link.password_hash,
      replace(replace(concat('{"title":', to_json(c.title), ',"icon":', coalesce(to_json(c.icon)::text, 'null'), ',"blocks":[', (
        select string_agg(app.shared_block_json(b), ',' order by b.parent_id nulls first, b.rank)
        from blocks b where b.workspace_id = v_link.workspace_id and b.canvas_id = v_link.canvas_id and b.deleted_at is null
      ), ']'), v_link.workspace_id::text, ''), v_link.canvas_id::text, ''),
      (select coalesce(jsonb_agg(jsonb_build_object('id', a.id, 'name', a.name, 'media_type', a.media_type, 'size', a.size,
          'object_key', a.object_key) order by a.id), '[]')
        from attachments a
        where a.workspace_id = v_link.workspace_id and a.canvas_id = v_link.canvas_id and a.status = 'ready')
    from canvases c where c.workspace_id = v_link.workspace_id and c.id = v_link.canvas_id;
end $$;

create or replace function app.shared_block_json(b app.blocks) returns text language sql stable parallel safe
  return concat('{"id":"', (b).id, '","parent_id":', case when (b).parent_id is null then 'null' else '"' || (b).parent_id || '"' end,
    ',"type":"', (b).type, '","content":', (b).content, ',"rank":"', (b).rank, '"}');

grant execute on function app.share_link_json, app.create_share_link, app.list_share_links, app.revoke_share_link,
  app.open_share_link to app_user;
grant select, insert, update, delete on app.share_links to app_user;
