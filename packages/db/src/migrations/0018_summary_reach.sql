-- The last message that any part of a summary tells of: beyond summary_until, up to which it tells of all, where summaries were joined.
alter table app.chat_contexts add column summary_reach bigint not null default 0;
-- Of those that there are it is not known.
update app.chat_contexts c
set summary_reach = (select coalesce(max(m.seq), 0) from app.chat_messages m where m.user_id = c.user_id and m.context_id = c.id)
where c.summary is not null;
