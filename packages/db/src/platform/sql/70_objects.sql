-- Whatever takes a row away, a cascade too, leaves the object that it named to the sweeper. Not at once: a signed address to
-- read may be in somebody's hands, and one to write for as long as an upload may take.
create or replace function app.release_object() returns trigger
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  if old.object_key is not null and (tg_op = 'DELETE' or new.object_key is distinct from old.object_key) then
    insert into released_objects as r (object_key, due_at)
    values (old.object_key, greatest(now() + interval '1 hour', old.created_at + interval '1 day'))
    on conflict (object_key) do update set due_at = greatest(r.due_at, excluded.due_at);
  end if;
  return null;
end $$;

create or replace trigger attachments_released after delete or update of object_key on app.attachments
for each row execute function app.release_object();
create or replace trigger transfers_released after delete or update of object_key on app.transfers
for each row execute function app.release_object();

-- Objects to delete now. Those that another row names are forgotten; the others come again in ten minutes, unless
-- app.forget_released_objects was told that they are gone. A row that names an object is made only from another one that
-- does (app.copy_attachments, which holds it meanwhile), so nobody begins to name what was claimed.
create or replace function app.claim_released_objects(p_limit int) returns table (object_key text)
language plpgsql security definer set search_path = app, pg_temp as $$
#variable_conflict use_column
begin
  return query
    with due as (
      select r.object_key from released_objects r where r.due_at <= now() order by r.due_at limit p_limit for update skip locked
    ), named as (
      select d.object_key from due d
      where exists (select from attachments a where a.object_key = d.object_key)
        or exists (select from transfers t where t.object_key = d.object_key)
    ), forgotten as (
      delete from released_objects r using named n where r.object_key = n.object_key
    )
    update released_objects r set due_at = now() + interval '10 minutes'
    from due d
    where r.object_key = d.object_key and not exists (select from named n where n.object_key = d.object_key)
    returning r.object_key;
end $$;

create or replace function app.forget_released_objects(p_object_keys text[]) returns void
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  delete from released_objects r where r.object_key = any (p_object_keys);
end $$;

create or replace function app.count_released_objects() returns bigint
language plpgsql stable security definer set search_path = app, pg_temp as $$
begin
  return (select count(*) from released_objects r where r.due_at <= now());
end $$;

grant execute on function app.claim_released_objects, app.forget_released_objects, app.count_released_objects to job_user;
