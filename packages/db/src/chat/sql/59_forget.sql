-- Forgetting everything: whatever a person's chat holds in words, up to a moment. Calendars, canvases and what they tell their people
-- are not chat. What it took stays as numbers, so that the usage of a workspace is still the sum of its steps.

-- When it was asked for: what comes later is not meant. Turns that run are told to stop; a job sees to what is left in p_after.
create or replace function app.begin_forgetting(p_user_id uuid, p_after interval, p_request_id text, p_traceparent text) returns timestamptz
language plpgsql set search_path = app, pg_temp as $$
declare
  v_before timestamptz;
begin
  perform app.set_user_context(p_user_id);
  perform app.lock_chat_head(p_user_id);
  v_before := clock_timestamp();
  update agent_runs r set cancel_requested_at = coalesce(r.cancel_requested_at, v_before)
  where r.user_id = p_user_id and r.status = 'running';
  perform app.append_person_audit(p_user_id, 'memory.forget_everything', 'user', p_user_id::text, null,
    jsonb_build_object('before', app.iso(v_before)), p_request_id);
  insert into outbox (id, topic, user_id, payload, traceparent, request_id, available_at)
  values (app.uuidv7(), 'memory.forget', p_user_id, jsonb_build_object('user_id', p_user_id, 'before', app.iso(v_before)), p_traceparent,
    p_request_id, v_before + p_after);
  return v_before;
end $$;

-- What /ws/me and queues tell of chat; ids alone, but of what is forgotten.
create or replace function app.is_told_of_chat(p_type text) returns boolean language sql immutable parallel safe
  return p_type ~ '^(agent|chat|memory|tool)[._]';

-- Runs with their calls and items; their steps stay, as numbers. One that somebody still holds waits for the next time. The last thing in
-- a transaction: budgets are locked.
create or replace function app.forget_runs(p_user_id uuid, p_before timestamptz, p_limit int) returns uuid[]
language plpgsql set search_path = app, pg_temp as $$
declare
  v_ids uuid[];
  v_id uuid;
begin
  v_ids := array(select r.id from agent_runs r
    where r.user_id = p_user_id and r.started_at <= p_before and not (r.status = 'running' and coalesce(r.lease_until > clock_timestamp(), false))
    order by r.started_at, r.id limit p_limit for update skip locked);
  for v_id in
    select distinct s.run_id from agent_steps s where s.user_id = p_user_id and s.run_id = any (v_ids) and s.outcome = 'running'
  loop
    perform app.apply_ledger(p_user_id, v_id, '[{"op": "abandon"}]');
  end loop;
  delete from agent_runs r where r.user_id = p_user_id and r.id = any (v_ids);
  return v_ids;
end $$;

-- One bounded slice of it, in one transaction; again until is_done. is_waiting: a turn still runs, and will have ended soon. run_ids: of
-- the last hours, of which something may be left elsewhere. Where documents are deleted their contexts are locked first, as the index
-- wants it, and contexts are not deleted in that transaction. The last one tells the person's clients, by p_outbox_id: once for each time
-- that it was asked for.
create or replace function app.forget_everything(p_user_id uuid, p_before timestamptz, p_limit int, p_outbox_id uuid, p_request_id text,
  p_traceparent text) returns jsonb
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_messages uuid[];
  v_runs uuid[] := '{}';
  v_asked uuid[];
  v_recent uuid[] := '{}';
  v_contexts int := 0;
  v_preferences int := 0;
  v_memories int := 0;
  v_kept int := 0;
  v_is_waiting boolean := false;
  v_is_done boolean;
begin
  perform app.lock_chat_head(p_user_id);
  -- Written on WhatsApp and not answered yet: it will not be.
  update whatsapp_turns t set status = 'failed', error_code = 'chat.forgotten', content = null, lease_owner = null, lease_until = null,
    done_at = now()
  where t.user_id = p_user_id and t.status = 'pending' and t.created_at <= p_before;
  v_messages := array(select m.id from chat_messages m where m.user_id = p_user_id and m.stored_at <= p_before order by m.seq limit p_limit);
  if cardinality(v_messages) > 0 then
    perform from chat_contexts c
    where c.user_id = p_user_id and c.id in (select m.context_id from chat_messages m where m.user_id = p_user_id and m.id = any (v_messages))
    order by c.id for update;
    perform set_config('app.forgetting', 'on', true);
    delete from message_terms t where t.user_id = p_user_id and t.message_id = any (v_messages);
    delete from chat_messages m where m.user_id = p_user_id and m.id = any (v_messages);
    perform set_config('app.forgetting', '', true);
    return jsonb_build_object('contexts', 0, 'messages', cardinality(v_messages), 'memories', 0, 'runs', 0, 'run_ids', '[]'::jsonb,
      'is_done', false, 'is_waiting', false);
  end if;
  -- What an assessor or a tool has taken since from what was said before, too.
  v_asked := array(select r.id from agent_runs r where r.user_id = p_user_id and r.started_at <= p_before);
  delete from user_preferences p where p.user_id = p_user_id and (p.created_at <= p_before or p.source_run_id = any (v_asked));
  get diagnostics v_preferences = row_count;
  delete from user_semantic_memories s where s.user_id = p_user_id and (s.created_at <= p_before or s.source_run_id = any (v_asked));
  get diagnostics v_memories = row_count;
  -- A context in which something was said since stays, without what it was about; with the name that the person has given it since.
  update chat_contexts c set title = case when o.is_named then c.title else 'Untitled' end,
    titled_by = case when o.is_named then c.titled_by else 'rules' end, summary = null, summary_until = 0, summary_reach = 0, import_source = null,
    external_id = null, version = c.version + 1, updated_at = now()
  from (select h.id, h.titled_by = 'user' and h.updated_at > p_before as is_named from chat_contexts h
    where h.user_id = p_user_id and h.created_at <= p_before) o
  where c.user_id = p_user_id and c.id = o.id and exists (select from chat_messages m where m.user_id = p_user_id and m.context_id = c.id)
    and (c.summary is not null or c.import_source is not null or not (o.is_named or (c.title, c.titled_by) = ('Untitled', 'rules')));
  delete from chat_contexts c where c.id in (select o.id from chat_contexts o
    where o.user_id = p_user_id and o.created_at <= p_before
      and not exists (select from chat_messages m where m.user_id = p_user_id and m.context_id = o.id) limit p_limit);
  get diagnostics v_contexts = row_count;
  delete from outbox o where o.user_id = p_user_id and o.created_at <= p_before
    and (o.topic = 'agent.assess' or (o.topic = 'me.deliver' and app.is_told_of_chat(o.payload ->> 'type')));
  delete from idempotency_keys k where k.user_id = p_user_id and k.created_at <= p_before and app.is_told_of_chat(k.operation);
  update user_events e set type = 'chat.forgotten', payload = '{}' where (e.user_id, e.seq) in (select o.user_id, o.seq from user_events o
    where o.user_id = p_user_id and o.created_at <= p_before and o.type <> 'chat.forgotten' and app.is_told_of_chat(o.type) limit p_limit);
  get diagnostics v_kept = row_count;
  delete from lexicons l where l.owner_id = p_user_id and not exists (select from message_terms t where t.user_id = p_user_id);
  v_is_waiting := exists (select from agent_runs r where r.user_id = p_user_id and r.started_at <= p_before and r.status = 'running'
    and r.lease_until > clock_timestamp());
  v_recent := array(select r.id from agent_runs r where r.user_id = p_user_id and r.started_at <= p_before
    and greatest(r.started_at, r.finished_at) > now() - interval '2 hours' order by r.started_at, r.id limit p_limit);
  -- Of embeddings too, which belong to no run.
  update agent_steps s set input_hash = null where s.user_id = p_user_id and s.started_at <= p_before and s.input_hash is not null;
  v_runs := app.forget_runs(p_user_id, p_before, p_limit);
  v_is_done := not v_is_waiting and greatest(v_contexts, v_kept, cardinality(v_runs)) < p_limit
    and not exists (select from agent_runs r where r.user_id = p_user_id and r.started_at <= p_before);
  if v_is_done then
    insert into outbox (id, topic, user_id, payload, traceparent, request_id)
    values (p_outbox_id, 'me.deliver', p_user_id, jsonb_build_object('user_id', p_user_id, 'type', 'memory.forgotten'), p_traceparent, p_request_id)
    on conflict (id) do nothing;
  end if;
  return jsonb_build_object('contexts', v_contexts, 'messages', 0, 'memories', v_preferences + v_memories, 'runs', cardinality(v_runs),
    'run_ids', to_jsonb(v_recent), 'is_waiting', v_is_waiting,
    'is_done', v_is_done);
end $$;

grant execute on function app.begin_forgetting, app.is_told_of_chat, app.forget_everything to app_user;
