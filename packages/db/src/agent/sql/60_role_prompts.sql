create or replace function app.role_prompt_json(r app.role_prompts) returns jsonb language sql stable parallel safe
  return jsonb_build_object('id', (r).id, 'workspace_id', (r).workspace_id, 'key', (r).key, 'name', (r).name, 'is_frame', (r).is_frame,
    'aim', (r).aim, 'tone', (r).tone, 'prompt', (r).prompt, 'examples', (r).examples, 'is_enabled', (r).is_enabled, 'version', (r).version,
    'created_at', app.iso((r).created_at), 'updated_at', app.iso((r).updated_at));

create or replace function app.role_prompt_summary(r app.role_prompts) returns jsonb language sql stable parallel safe
  return jsonb_build_object('name', (r).name, 'aim', left((r).aim, 200), 'is_enabled', (r).is_enabled, 'version', (r).version);

-- Whether a person may have a role speak to them: a built-in one, or one of a workspace where they are more than a guest. Null: none.
create or replace function app.may_use_role_prompt(p_user_id uuid, p_role_prompt_id uuid) returns boolean
language plpgsql stable security definer set search_path = app, pg_temp as $$
begin
  return p_role_prompt_id is null or exists (
    select from role_prompts r where r.id = p_role_prompt_id
      and (r.workspace_id is null or app.has_workspace_roles(p_user_id, r.workspace_id)));
end $$;

-- Whether this person is owner, admin or member of a workspace. The caller is a definer function.
create or replace function app.has_workspace_roles(p_user_id uuid, p_workspace_id uuid) returns boolean
language plpgsql stable set search_path = app, pg_temp as $$
begin
  return exists (
    select from workspaces w where w.id = p_workspace_id and w.deleted_at is null and (w.owner_user_id = p_user_id
      or exists (select from workspace_members m where m.workspace_id = w.id and m.user_id = p_user_id and m.role <> 'guest')));
end $$;

-- The built-in roles, and with a workspace its own: by name, built in first. Definer, since the built-in ones are in no workspace.
create or replace function app.list_role_prompts(p_user_id uuid, p_workspace_id uuid, p_with_built_in boolean) returns setof jsonb
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  if p_workspace_id is not null then
    perform app.set_tenant_context(p_user_id, p_workspace_id, 'member');
  end if;
  return query
    select app.role_prompt_json(r) from role_prompts r
    where (p_with_built_in and r.workspace_id is null) or r.workspace_id = p_workspace_id
    order by r.workspace_id nulls first, case when r.workspace_id is null then r.id end, lower(r.name), r.id;
end $$;

-- The caller has the workspace's context.
create or replace function app.find_role_prompt(p_workspace_id uuid, p_role_prompt_id uuid) returns app.role_prompts
language plpgsql set search_path = app, pg_temp as $$
declare
  v_role role_prompts;
begin
  select * into v_role from role_prompts r where r.workspace_id = p_workspace_id and r.id = p_role_prompt_id;
  if not found then
    perform app.fail('PT404', 'role_prompt.not_found', 'There is no such role.');
  end if;
  return v_role;
end $$;

create or replace function app.get_role_prompt(p_user_id uuid, p_workspace_id uuid, p_role_prompt_id uuid) returns jsonb
language plpgsql set search_path = app, pg_temp as $$
begin
  perform app.set_tenant_context(p_user_id, p_workspace_id, 'member');
  return app.role_prompt_json(app.find_role_prompt(p_workspace_id, p_role_prompt_id));
end $$;

-- How often each stem stands in a role, as the index has it: terms of its owner (a workspace; built in: the nil uuid) in their order, each
-- with its saturated frequency.
create or replace function app.role_terms(p_owner_id uuid, p_stems jsonb, out terms int[], out weights public.sparsevec)
language plpgsql immutable set search_path = app, pg_temp as $$
begin
  select array_agg(s.term order by s.term),
    ('{' || string_agg(s.term || ':' || round(s.n / (s.n + 0.5), 4), ',' order by s.term) || '}/536870912')::public.sparsevec
  into terms, weights
  from (select app.term_id(p_owner_id, e.key) as term, sum(e.value::numeric) as n from jsonb_each_text(p_stems) e group by 1
    order by 2 desc, 1 limit 1000) s;
  terms := coalesce(terms, '{}');
end $$;

create or replace function app.check_role_name(p_workspace_id uuid, p_role_prompt_id uuid, p_name text) returns void
language plpgsql set search_path = app, pg_temp as $$
begin
  if exists (select from role_prompts r where r.workspace_id = p_workspace_id and lower(r.name) = lower(p_name) and r.id <> p_role_prompt_id) then
    perform app.fail('PT409', 'role_prompt.name_taken', 'Another role of this workspace has this name.', '{"pointer": "/name"}');
  end if;
end $$;

-- p_fields: name, aim, tone, prompt, examples, is_enabled; p_stems: how often each stem stands in its aim and examples.
create or replace function app.create_role_prompt(p_user_id uuid, p_workspace_id uuid, p_role_prompt_id uuid, p_fields jsonb, p_stems jsonb,
  p_request_id text) returns jsonb
language plpgsql set search_path = app, pg_temp as $$
declare
  v_max constant int := 50;
  v_role role_prompts;
begin
  perform app.lock_workspace(p_user_id, p_workspace_id, 'admin');
  if (select count(*) from role_prompts r where r.workspace_id = p_workspace_id) >= v_max then
    perform app.fail('PT409', 'role_prompt.too_many', format('A workspace has at most %s roles.', v_max));
  end if;
  perform app.check_role_name(p_workspace_id, p_role_prompt_id, p_fields ->> 'name');
  insert into role_prompts (id, workspace_id, name, aim, tone, prompt, examples, is_enabled, terms, weights, created_by)
  select p_role_prompt_id, p_workspace_id, p_fields ->> 'name', p_fields ->> 'aim', p_fields ->> 'tone', p_fields ->> 'prompt',
    p_fields -> 'examples', (p_fields ->> 'is_enabled')::boolean, t.terms, t.weights, p_user_id
  from app.role_terms(p_workspace_id, p_stems) t returning * into v_role;
  perform app.append_audit(p_user_id, p_workspace_id, null, 'role_prompt.create', 'role_prompt', p_role_prompt_id::text, null,
    app.role_prompt_summary(v_role), p_request_id);
  return app.role_prompt_json(v_role);
end $$;

-- p_fields: what changes. p_stems null: neither its aim nor its examples do. p_expected_version null: whatever it is now.
create or replace function app.update_role_prompt(p_user_id uuid, p_workspace_id uuid, p_role_prompt_id uuid, p_expected_version int,
  p_fields jsonb, p_stems jsonb, p_request_id text) returns jsonb
language plpgsql set search_path = app, pg_temp as $$
declare
  v_before role_prompts;
  v_wanted role_prompts;
  v_after role_prompts;
begin
  perform app.lock_workspace(p_user_id, p_workspace_id, 'admin');
  v_before := app.find_role_prompt(p_workspace_id, p_role_prompt_id);
  if p_expected_version <> v_before.version then
    perform app.fail('PT412', 'role_prompt.version_conflict', 'The role was changed meanwhile.',
      jsonb_build_object('current', app.role_prompt_json(v_before)));
  end if;
  v_wanted := jsonb_populate_record(v_before, p_fields);
  perform app.check_role_name(p_workspace_id, p_role_prompt_id, v_wanted.name);
  if p_stems is not null then
    select t.terms, t.weights into v_wanted.terms, v_wanted.weights from app.role_terms(p_workspace_id, p_stems) t;
  end if;
  update role_prompts r set name = v_wanted.name, aim = v_wanted.aim, tone = v_wanted.tone, prompt = v_wanted.prompt,
    examples = v_wanted.examples, is_enabled = v_wanted.is_enabled, terms = v_wanted.terms, weights = v_wanted.weights,
    version = r.version + 1, updated_at = clock_timestamp()
  where r.workspace_id = p_workspace_id and r.id = p_role_prompt_id
    and (r.name, r.aim, r.tone, r.prompt, r.examples, r.is_enabled) is distinct from
      (v_wanted.name, v_wanted.aim, v_wanted.tone, v_wanted.prompt, v_wanted.examples, v_wanted.is_enabled)
  returning * into v_after;
  if not found then
    return app.role_prompt_json(v_before);
  end if;
  perform app.append_audit(p_user_id, p_workspace_id, null, 'role_prompt.update', 'role_prompt', p_role_prompt_id::text,
    app.role_prompt_summary(v_before), app.role_prompt_summary(v_after), p_request_id);
  return app.role_prompt_json(v_after);
end $$;

-- Whoever had fixed it gets the role that suits from then on.
create or replace function app.delete_role_prompt(p_user_id uuid, p_workspace_id uuid, p_role_prompt_id uuid, p_request_id text) returns void
language plpgsql set search_path = app, pg_temp as $$
declare
  v_role role_prompts;
begin
  perform app.lock_workspace(p_user_id, p_workspace_id, 'admin');
  v_role := app.find_role_prompt(p_workspace_id, p_role_prompt_id);
  delete from role_prompts r where r.workspace_id = p_workspace_id and r.id = p_role_prompt_id;
  perform app.append_audit(p_user_id, p_workspace_id, null, 'role_prompt.delete', 'role_prompt', p_role_prompt_id::text,
    app.role_prompt_summary(v_role), null, p_request_id);
end $$;

-- The role that a message is most like, of the built-in ones and those of this workspace, and how much: what share of what the message
-- says (p_query: [{stems, weight}], alternatives of one word) stands in the role's aim and examples, each word by how few of the roles
-- have it. No row: none has a word of it. Definer, since the built-in ones are in no workspace; guests get no others.
create or replace function app.find_relevant_role_id(p_user_id uuid, p_workspace_id uuid, p_query jsonb,
  out role_prompt_id uuid, out score real)
language plpgsql stable security definer set search_path = app, pg_temp as $$
declare
  v_nobody constant uuid := '00000000-0000-0000-0000-000000000000';
  v_workspace_id constant uuid := case when app.has_workspace_roles(p_user_id, p_workspace_id) then p_workspace_id end;
begin
  with roles as materialized (
    select r.id, coalesce(r.workspace_id, v_nobody) as owner_id, r.terms, r.workspace_id is null as is_built_in from role_prompts r
    where r.is_enabled and (r.workspace_id is null or r.workspace_id = v_workspace_id)
  ), words as materialized (
    select q.ordinality as n, (q.value ->> 'weight')::real as weight, o.id as owner_id,
      array(select app.term_id(o.id, s.value) from jsonb_array_elements_text(q.value -> 'stems') s) as terms
    from jsonb_array_elements(p_query) with ordinality q cross join (values (v_nobody), (v_workspace_id)) o (id)
    where o.id is not null and q.ordinality <= 64
  ), hits as (
    select w.n, r.id from words w join roles r on r.owner_id = w.owner_id and r.terms && w.terms
  ), rarity as (
    select w.n, w.weight * ln(1 + (select count(*) from roles) / (0.5 + (select count(*) from hits h where h.n = w.n))) as weight
    from (select distinct n, weight from words) w
  )
  select h.id, (sum(r.weight) / greatest((select sum(x.weight) from rarity x), 1e-9))::real into role_prompt_id, score
  from hits h join rarity r on r.n = h.n group by h.id order by 2 desc, h.id limit 1;
end $$;

-- Who answers a turn: the role that the person has fixed, else the one that the turn asks for, else the one that the message is most like
-- if it is like it enough (p_floor), else the default; `chosen_by` says which. Who may not use a role any more, or finds it switched off,
-- gets the next. One statement of the turn.
create or replace function app.choose_role(p_user_id uuid, p_workspace_id uuid, p_asked_id uuid, p_query jsonb, p_floor real,
  out role_prompt_id uuid, out name text, out aim text, out tone text, out prompt text, out score real, out chosen_by text)
language plpgsql stable security definer set search_path = app, pg_temp as $$
declare
  v_fixed_id constant uuid := (select h.role_prompt_id from chat_heads h where h.user_id = p_user_id);
  v_best record;
begin
  if v_fixed_id is not null and app.is_role_usable(p_user_id, v_fixed_id) then
    role_prompt_id := v_fixed_id;
    chosen_by := 'person';
  elsif p_asked_id is not null and app.is_role_usable(p_user_id, p_asked_id) then
    role_prompt_id := p_asked_id;
    chosen_by := 'turn';
  else
    select * into v_best from app.find_relevant_role_id(p_user_id, p_workspace_id, p_query);
    score := v_best.score;
    if v_best.score >= p_floor then
      role_prompt_id := v_best.role_prompt_id;
      chosen_by := 'likeness';
    else
      role_prompt_id := (select r.id from role_prompts r where r.key = 'partner');
      chosen_by := 'default';
    end if;
  end if;
  select r.name, r.aim, r.tone, r.prompt into name, aim, tone, prompt from role_prompts r where r.id = role_prompt_id;
end $$;

-- The caller is a definer function.
create or replace function app.is_role_usable(p_user_id uuid, p_role_prompt_id uuid) returns boolean
language plpgsql stable set search_path = app, pg_temp as $$
begin
  return app.may_use_role_prompt(p_user_id, p_role_prompt_id)
    and (select r.is_enabled from role_prompts r where r.id = p_role_prompt_id);
end $$;

grant execute on function app.role_prompt_json, app.role_prompt_summary, app.may_use_role_prompt, app.list_role_prompts, app.find_role_prompt,
  app.get_role_prompt, app.role_terms, app.check_role_name, app.create_role_prompt, app.update_role_prompt, app.delete_role_prompt,
  app.find_relevant_role_id, app.choose_role to app_user;
