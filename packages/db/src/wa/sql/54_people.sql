-- Who people are and which groups there are, as WhatsApp says it beside messages.

-- The lease, and the session to oneself: two rows of people may become one, while nobody writes for either.
create or replace function wa.hold_alone(p_session_id uuid, p_worker_id uuid, p_generation bigint) returns void
language plpgsql set search_path = wa, pg_temp as $$
begin
  perform wa.set_session_context(p_session_id);
  perform from sessions s where s.session_id = p_session_id for no key update;
  perform wa.hold_lease(p_session_id, p_worker_id, p_generation);
end $$;

-- p_people: [{lid, phone, name}]; two rows that turn out to be one person become one. Raises lease.lost.
create or replace function wa.take_people(p_session_id uuid, p_worker_id uuid, p_generation bigint, p_people jsonb) returns void
language plpgsql set search_path = wa, pg_temp as $$
begin
  perform wa.hold_alone(p_session_id, p_worker_id, p_generation);
  perform wa.resolve_people(p_session_id, (select jsonb_agg(jsonb_build_object('sender', p.person)) from jsonb_array_elements(p_people) as p (person)));
end $$;

-- p_groups: [{group_id, subject, participants: [{lid, phone, role}]}] as they are now. Raises lease.lost.
create or replace function wa.take_groups(p_session_id uuid, p_worker_id uuid, p_generation bigint, p_groups jsonb) returns void
language plpgsql set search_path = wa, pg_temp as $$
begin
  perform wa.hold_alone(p_session_id, p_worker_id, p_generation);
  perform wa.resolve_people(p_session_id, (select coalesce(jsonb_agg(jsonb_build_object('sender', p.person)), '[]')
    from jsonb_array_elements(p_groups) as g (item), jsonb_array_elements(g.item -> 'participants') as p (person)));
  insert into chats (id, session_id, kind, group_id)
  select app.uuidv7(), p_session_id, 'group', g.item ->> 'group_id' from jsonb_array_elements(p_groups) as g (item) on conflict do nothing;
  update chats h set subject = left(g.item ->> 'subject', 300), refreshed_at = now(), participants = (
    select coalesce(jsonb_agg(jsonb_build_object('contact_id', coalesce(
      (select c.id from contacts c where c.session_id = p_session_id and c.lid = p.person ->> 'lid'),
      (select c.id from contacts c where c.session_id = p_session_id and c.phone = p.person ->> 'phone')), 'role', p.person ->> 'role')), '[]')
    from jsonb_array_elements(g.item -> 'participants') as p (person))
  from jsonb_array_elements(p_groups) as g (item)
  where h.session_id = p_session_id and h.group_id = g.item ->> 'group_id';
end $$;

grant execute on function wa.hold_alone, wa.take_people, wa.take_groups to wa_user;
