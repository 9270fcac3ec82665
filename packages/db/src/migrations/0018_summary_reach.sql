-- The last message that any part of a summary tells of: beyond summary_until, up to which it tells of all, where summaries were joined.
-- In steps: a column cannot come with its default while a function is bound to the row.
alter table app.chat_contexts add column summary_reach bigint;
alter table app.chat_contexts alter column summary_reach set default 0;
-- Of those that there are it is not known.
update app.chat_contexts c
set summary_reach = case when c.summary is null then 0
  else (select coalesce(max(m.seq), 0) from app.chat_messages m where m.user_id = c.user_id and m.context_id = c.id) end;
alter table app.chat_contexts alter column summary_reach set not null;
