-- What an answered turn is assessed by; null when the run or what the person said is gone. Messages of the context since its summary,
-- before this one, the last p_limit, oldest first.
create or replace function app.read_assessment(p_user_id uuid, p_run_id uuid, p_limit int) returns jsonb
language plpgsql stable set search_path = app, pg_temp as $$
begin
  perform app.set_user_context(p_user_id);
  return (
    select jsonb_build_object('status', r.status, 'is_assessed', app.is_assessed(p_user_id, p_run_id),
      'is_memory_enabled', coalesce((select h.is_memory_enabled from chat_heads h where h.user_id = p_user_id), true),
      'time_zone', u.time_zone,
      'message', jsonb_build_object('id', m.id, 'content', m.content, 'role', m.role, 'source', m.source, 'created_at', app.iso(m.created_at)),
      'answer', (select jsonb_build_object('content', a.content, 'seq', a.seq) from chat_messages a
        where a.user_id = p_user_id and a.id = r.answer_message_id),
      'context', jsonb_build_object('id', c.id, 'title', c.title, 'titled_by', c.titled_by, 'summary', c.summary, 'seq', m.seq,
        'version', c.version),
      'recent', (select coalesce(jsonb_agg(jsonb_build_object('role', o.role, 'content', left(o.content, 2000), 'created_at', app.iso(o.created_at))
          order by o.created_at, o.seq), '[]')
        from (select e.* from chat_messages e
          where e.user_id = p_user_id and e.context_id = m.context_id and (e.created_at, e.seq) < (m.created_at, m.seq)
            and e.seq > c.summary_until
          order by e.created_at desc, e.seq desc limit p_limit) o),
      'known', (select coalesce(jsonb_agg(jsonb_build_object('id', k.id, 'kind', k.kind, 'subject', k.subject,
          'attribute', case when k.attribute not like '#%' then k.attribute end, 'content', k.content)), '[]')
        from (select p.* from user_preferences p where p.user_id = p_user_id and p.superseded_at is null
          order by p.is_pinned desc, p.created_at desc limit 100) k))
    from agent_runs r
    join users u on u.id = r.user_id
    join chat_messages m on m.user_id = r.user_id and m.id = r.user_message_id
    join chat_contexts c on c.user_id = m.user_id and c.id = m.context_id
    where r.user_id = p_user_id and r.id = p_run_id);
end $$;

-- Whether a run may be assessed now: `free`, `assessed` (nothing is left to do) or `busy` (somebody has begun less than p_patience ago).
-- Holds the lock under which steps of assessors begin. The caller has the person's context.
create or replace function app.may_assess(p_user_id uuid, p_run_id uuid, p_patience interval) returns text
language plpgsql set search_path = app, pg_temp as $$
begin
  perform app.lock_chat_head(p_user_id);
  return case
    when app.is_assessed(p_user_id, p_run_id) then 'assessed'
    when exists (select from agent_steps s where s.user_id = p_user_id and s.run_id = p_run_id and s.kind = 'assess' and s.outcome = 'running'
      and s.started_at > clock_timestamp() - p_patience) then 'busy'
    else 'free' end;
end $$;

-- Locks what is remembered for whoever holds this step, and says whether its findings still count: the step is its run's own and
-- runs, nobody has finished another, nothing was forgotten or switched off meanwhile. The caller has the person's context.
create or replace function app.claim_assessment(p_user_id uuid, p_run_id uuid, p_step_id uuid, p_message_id uuid) returns boolean
language plpgsql set search_path = app, pg_temp as $$
begin
  return (app.lock_chat_head(p_user_id)).is_memory_enabled
    and exists (select from agent_steps s where s.user_id = p_user_id and s.id = p_step_id and s.run_id = p_run_id and s.outcome = 'running')
    and exists (select from chat_messages m where m.user_id = p_user_id and m.id = p_message_id)
    and not app.is_assessed(p_user_id, p_run_id);
end $$;

-- Title and summary as a model would have them. A name that a person or another system gave stays; a summary is never of less than
-- there was. p_until: the last message that it tells of. p_version: of the context as the model was shown it; of another one, in which
-- something may have been deleted since, nothing is described. The caller has the person's context.
create or replace function app.describe_context(p_user_id uuid, p_context_id uuid, p_title text, p_summary text, p_until bigint, p_version int)
returns void
language plpgsql set search_path = app, pg_temp as $$
begin
  perform from chat_contexts c where c.user_id = p_user_id and c.id = p_context_id and c.version = p_version for no key update;
  if not found then
    return;
  end if;
  update chat_contexts c set title = p_title, titled_by = 'model', version = c.version + 1, updated_at = now()
  where c.user_id = p_user_id and c.id = p_context_id and c.titled_by in ('rules', 'model') and p_title <> c.title;
  update chat_contexts c set summary = p_summary, summary_until = p_until, summary_reach = greatest(c.summary_reach, p_until)
  where c.user_id = p_user_id and c.id = p_context_id and p_summary is not null and c.summary_until < p_until;
end $$;

grant execute on function app.read_assessment, app.may_assess, app.claim_assessment, app.describe_context to app_user;
