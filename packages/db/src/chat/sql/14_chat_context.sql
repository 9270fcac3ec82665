-- A term of the lexical index: one of 2^29 numbers from 1, by MD5 over its owner and the stem. Salted, so that a term's posting list
-- holds one owner's rows. It is also its place in a sparsevec of 536,870,912 dimensions (pgvector allows 10^9).
create or replace function app.term_id(p_owner_id uuid, p_stem text) returns int language sql immutable parallel safe
  return (('x' || left(md5(p_owner_id::text || p_stem), 8))::bit(32)::int & 536870911) + 1;

-- The person's own head, made on first use; locked, so that one writer at a time takes numbers from it. The caller has the person's context.
create or replace function app.lock_chat_head(p_user_id uuid) returns app.chat_heads
language plpgsql set search_path = app, pg_temp set lock_timeout = '400ms' as $$
declare
  v_head chat_heads;
begin
  select h.* into v_head from chat_heads h where h.user_id = p_user_id for no key update;
  if not found then
    insert into chat_heads (user_id) values (p_user_id) on conflict (user_id) do nothing;
    select h.* into v_head from chat_heads h where h.user_id = p_user_id for no key update;
  end if;
  return v_head;
end $$;

-- Takes p_count numbers of the person's messages; the last of them. The caller has the person's context.
create or replace function app.take_message_seqs(p_user_id uuid, p_count int) returns bigint
language plpgsql set search_path = app, pg_temp set lock_timeout = '400ms' as $$
declare
  v_last bigint;
begin
  insert into chat_heads as h (user_id, seq) values (p_user_id, p_count)
  on conflict (user_id) do update set seq = h.seq + p_count returning h.seq into v_last;
  return v_last;
end $$;

-- What a person did that belongs to them alone, into the audit log of their personal workspace: ids and counts, never words, since
-- what is forgotten must be nowhere. An API key has no such workspace, and no chat. The caller has the person's context.
create or replace function app.append_person_audit(p_user_id uuid, p_action text, p_target_type text, p_target_id text,
  p_before jsonb, p_after jsonb, p_request_id text) returns void
language plpgsql set search_path = app, pg_temp as $$
declare
  v_workspace_id constant uuid := app.personal_workspace(p_user_id);
begin
  perform set_config('app.workspace_id', coalesce(v_workspace_id::text, ''), true);
  perform app.append_audit(p_user_id, v_workspace_id, null, p_action, p_target_type, p_target_id, p_before, p_after, p_request_id);
  perform set_config('app.workspace_id', '', true);
end $$;

grant execute on function app.append_person_audit to app_user;
grant execute on function app.term_id, app.lock_chat_head, app.take_message_seqs to app_user;
grant execute on function app.term_id to job_user;
grant select, insert, update, delete on app.chat_contexts, app.chat_heads, app.chat_messages, app.user_preferences,
  app.user_semantic_memories, app.agent_runs, app.agent_steps, app.tool_calls, app.context_items, app.role_prompts to app_user;
grant select on app.usage_metrics, app.usage_budgets, app.usage_quotas to app_user;
