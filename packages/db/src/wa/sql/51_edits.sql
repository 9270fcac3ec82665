-- Edits and deletions: rows of their own, since they are what came, applied to the message that they name whichever of the two comes first.

-- Applies what p_fresh (rows that have just come) bring: edits and deletions among them to their targets, and to those among them that are
-- targets what came before. Answers {id: {change: 'edited' | 'deleted', seq}} of the
-- targets, with the place of what changed them.
create or replace function wa.apply_changes(p_session_id uuid, p_fresh uuid[]) returns jsonb
language plpgsql set search_path = wa, pg_temp set plan_cache_mode = force_generic_plan as $$
declare
  v_pairs jsonb;
  v_changed jsonb;
begin
  -- Nearly always there is nothing: neither an edit nor a message that one waits for.
  select jsonb_agg(jsonb_build_object('act', p.act, 'target', p.target)) into v_pairs
  from (
    select a.id as act, t.id as target from unnest(p_fresh) as f (id)
    join messages a on a.session_id = p_session_id and a.id = f.id and a.type in ('edit', 'delete')
    join messages t on t.session_id = p_session_id and t.chat_id = a.chat_id and t.message_id = a.content ->> 'message_id'
    union
    select a.id, t.id from unnest(p_fresh) as f (id)
    join messages t on t.session_id = p_session_id and t.id = f.id
    join messages a on a.session_id = p_session_id and a.chat_id = t.chat_id and a.content ->> 'message_id' = t.message_id and a.type in ('edit', 'delete')
  ) p;
  if v_pairs is null then
    return '{}';
  end if;

  with acts as (
    select a.*, t.id as target_id from jsonb_to_recordset(v_pairs) as p (act uuid, target uuid)
    join messages a on a.session_id = p_session_id and a.id = p.act
    join messages t on t.session_id = p_session_id and t.id = p.target
    join chats h on h.session_id = p_session_id and h.id = t.chat_id
    -- One changes what one wrote; in a group its admins may delete what others wrote.
    where wa.is_shown(t.type) and ((a.direction = t.direction and a.sender_id is not distinct from t.sender_id)
      or (a.type = 'delete' and h.kind = 'group' and exists (select from jsonb_array_elements(h.participants) as g (person)
        where (g.person ->> 'contact_id')::uuid = a.sender_id and g.person ->> 'role' in ('admin', 'superadmin'))))
  ), edits as (
    update messages t set edited_at = e.at, content = t.content || case when t.type in ('image', 'video', 'document')
      then jsonb_build_object('caption', e.content -> 'text') else e.content - 'message_id' end
    from (select distinct on (a.target_id) a.* from acts a where a.type = 'edit' order by a.target_id, a.at desc, a.seq desc) e
    where t.session_id = p_session_id and t.id = e.target_id and t.type <> 'undecryptable' and t.deleted_at is null
      and e.at >= coalesce(t.edited_at, '-infinity') and not exists (select from acts d where d.target_id = t.id and d.type = 'delete')
    returning t.id, e.seq
  ), deletions as (
    update messages t set deleted_at = d.at, content = '{}', proto = null
    from (select a.target_id, min(a.at) as at, min(a.seq) as seq from acts a where a.type = 'delete' group by a.target_id) d
    where t.session_id = p_session_id and t.id = d.target_id and t.deleted_at is null
    returning t.id, t.chat_id, t.message_id, d.seq
  ), files as (
    -- Its object goes with the next round of the worker that holds the session.
    update media f set status = 'failed', error = 'deleted' from deletions d where f.session_id = p_session_id and f.message_row_id = d.id
  ), forgotten as (
    update messages e set content = jsonb_build_object('message_id', d.message_id), proto = null
    from deletions d where e.session_id = p_session_id and e.chat_id = d.chat_id and e.content ->> 'message_id' = d.message_id and e.type = 'edit'
  )
  select jsonb_object_agg(c.id, jsonb_build_object('change', c.change, 'seq', c.seq)) into v_changed from (
    select e.id, 'edited' as change, e.seq from edits e union all select d.id, 'deleted', d.seq from deletions d) c;
  return coalesce(v_changed, '{}');
end $$;

grant execute on function wa.apply_changes to wa_user;
