-- All of this runs inside every mutation. plpgsql, because its expressions are prepared once per session; the body of a function
-- in SQL that is not inlined is planned in each transaction anew, which made an edit half as long again.

-- The human text of a block: of a known type its fields of text, of any other every string in it that is no address or id.
-- At most 20,000 characters, so that one block costs at most some milliseconds, and its words have positions that differ.
create or replace function app.block_text(p_type text, p_content jsonb) returns text
language plpgsql immutable parallel safe set search_path = app, pg_temp as $$
begin
  if p_type in ('text', 'heading', 'list', 'todo', 'quote', 'code') then
    return left(p_content ->> 'text', 20000);
  elsif p_type in ('html', 'image', 'file', 'embed', 'footnote') then
    return left(concat_ws(' ', p_content ->> 'label', p_content ->> 'name', p_content ->> 'title', p_content ->> 'alt',
      p_content ->> 'caption', p_content ->> 'text', p_content ->> 'html'), 20000);
  elsif p_type = 'table' then
    return left((select string_agg(cell #>> '{}', ' | ')
      from jsonb_path_query(p_content, '$.rows[*][*] ? (@.type() == "string")') cell), 20000);
  end if;
  return left((select string_agg(word, ' ')
    from jsonb_path_query(p_content, 'strict $.** ? (@.type() == "string")') value cross join lateral (select value #>> '{}') t (word)
    where word !~* '^\s*([a-z][a-z0-9+.-]*://|data:|[0-9a-f]{8}-[0-9a-f]{4}-)'), 20000);
end $$;

-- Eight digits that are random in a UUIDv7. Two workspaces that share them only read a little more.
create or replace function app.search_tag(p_workspace_id uuid) returns text language sql immutable parallel safe
  return right(p_workspace_id::text, 8);

-- Words longer than this are nobody's; a tsvector takes 2 KB at most, with the tag.
create or replace function app.drop_monsters(p_words tsvector) returns tsvector language sql immutable parallel safe
  return ts_delete(p_words, array(select w.lexeme from unnest(p_words) w where octet_length(w.lexeme) > 500));

-- The words of a text as they stand (p_weight) and their English and Indonesian stems (weight D), each lexeme led by the
-- workspace, so that the index is too. The three have the same positions, so that phrases are found in each. The text of a
-- tsvector is `'word':1A 'other':2B`, and no word has a space in it: hence the replace(), a quarter of the cost of a list.
create or replace function app.search_document(p_workspace_id uuid, p_text text, p_weight "char") returns tsvector
language plpgsql immutable parallel safe set search_path = app, pg_temp as $$
declare
  v_words tsvector := setweight(to_tsvector('simple', p_text), p_weight);
  v_english tsvector := to_tsvector('english', p_text);
  v_indonesian tsvector := to_tsvector('indonesian', p_text);
begin
  if octet_length(p_text) > 500 then
    v_words := app.drop_monsters(v_words);
    v_english := app.drop_monsters(v_english);
    v_indonesian := app.drop_monsters(v_indonesian);
  end if;
  return replace(concat(' ', v_words, ' ', v_english, ' ', v_indonesian), ' ''', ' ''' || right(p_workspace_id::text, 8))::tsvector;
end $$;

-- Headings count for more than text, titles for most.
create or replace function app.block_weight(p_type text) returns "char" language sql immutable parallel safe
  return case when p_type = 'heading' then 'B'::"char" else 'C'::"char" end;

create or replace function app.index_block() returns trigger
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_text constant text := case when new.deleted_at is null then btrim(app.block_text(new.type, new.content), E' \n\t') end;
begin
  -- A block that moves takes its document along; ticking a todo changes no word.
  if tg_op = 'UPDATE' and old.canvas_id <> new.canvas_id then
    delete from search_documents d
    where d.workspace_id = old.workspace_id and d.canvas_id = old.canvas_id and d.block_id = old.id;
    -- What chat knows of it goes along by itself, its words being the same.
    update embedding_queue q set canvas_id = new.canvas_id
    where q.subject_type = 'block' and q.subject_id = old.id and q.workspace_id = old.workspace_id and q.canvas_id = old.canvas_id;
  elsif tg_op = 'UPDATE' and old.type = new.type and old.deleted_at is null and new.deleted_at is null
    and v_text is not distinct from btrim(app.block_text(old.type, old.content), E' \n\t') then
    return null;
  elsif tg_op = 'UPDATE' or v_text <> '' then
    -- Some edits later, so that whoever types is not embedded with each letter.
    insert into embedding_queue as q (subject_type, subject_id, workspace_id, canvas_id, available_at)
    values ('block', new.id, new.workspace_id, new.canvas_id, now() + interval '2 seconds')
    on conflict on constraint embedding_queue_key do update set revision = excluded.revision, is_indexed = false, priority = 0,
      attempts = 0, available_at = least(q.available_at, excluded.available_at), last_error = null;
  end if;
  if coalesce(v_text, '') = '' then
    if tg_op = 'UPDATE' then
      delete from search_documents d
      where d.workspace_id = new.workspace_id and d.canvas_id = new.canvas_id and d.block_id = new.id;
    end if;
  else
    insert into search_documents (workspace_id, canvas_id, block_id, type, document, updated_at)
    values (new.workspace_id, new.canvas_id, new.id, new.type,
      app.search_document(new.workspace_id, v_text, app.block_weight(new.type)), new.updated_at)
    on conflict on constraint search_documents_key do update
    set type = excluded.type, document = excluded.document, updated_at = excluded.updated_at;
  end if;
  return null;
end $$;
create or replace trigger blocks_search after insert or update of canvas_id, type, content, deleted_at on app.blocks
  for each row execute function app.index_block();

create or replace function app.index_canvas() returns trigger
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  insert into search_documents (workspace_id, canvas_id, document, updated_at)
  values (new.workspace_id, new.id, app.search_document(new.workspace_id, new.title, 'A'), new.updated_at)
  on conflict on constraint search_documents_key do update set document = excluded.document, updated_at = excluded.updated_at;
  return null;
end $$;
create or replace trigger canvases_search after insert or update of title on app.canvases
  for each row execute function app.index_canvas();

-- Makes all documents anew: for whoever changed what a document is. Some 30 s per million blocks; writers wait meanwhile.
create or replace function app.rebuild_search() returns void
language plpgsql set search_path = app, pg_temp as $$
begin
  truncate search_documents;
  insert into search_documents (workspace_id, canvas_id, document, updated_at)
  select c.workspace_id, c.id, app.search_document(c.workspace_id, c.title, 'A'), c.updated_at from canvases c;
  insert into search_documents (workspace_id, canvas_id, block_id, type, document, updated_at)
  select b.workspace_id, b.canvas_id, b.id, b.type, app.search_document(b.workspace_id, t.text, app.block_weight(b.type)), b.updated_at
  from blocks b cross join lateral (select btrim(app.block_text(b.type, b.content), E' \n\t') as text) t
  where b.deleted_at is null and t.text <> '';
end $$;
-- What was there before there was a search.
do $$
begin
  if not exists (select from app.search_documents) and exists (select from app.canvases) then
    perform app.rebuild_search();
  end if;
end $$;
