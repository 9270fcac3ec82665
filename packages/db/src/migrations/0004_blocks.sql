-- Which event made which version of a block: the way from a block to its history. A narrow table, because an index over the
-- ids in canvas_events could not be used under row security (array operators are not leakproof), and because a version's
-- content is in the event already.
create table app.block_versions (
  workspace_id uuid not null,
  canvas_id uuid not null,
  block_id uuid not null,
  version int not null,
  seq bigint not null,
  op text not null check (op in ('create', 'edit', 'move', 'delete', 'restore', 'copy')),
  primary key (workspace_id, canvas_id, block_id, version),
  foreign key (workspace_id, canvas_id, block_id) references app.blocks (workspace_id, canvas_id, id) on delete cascade
);
comment on table app.block_versions is
  'family: canvas. A deletion and a restore are told of the block that was named; what went with it has no row for them.';

insert into app.block_versions (workspace_id, canvas_id, block_id, version, seq, op)
select e.workspace_id, e.canvas_id, b.id, (o.op -> 'block' ->> 'version')::int, e.seq, o.op ->> 'op'
from app.canvas_events e
cross join lateral json_array_elements(e.payload -> 'ops') as o (op)
join app.blocks b on b.workspace_id = e.workspace_id and b.canvas_id = e.canvas_id and b.id = (o.op -> 'block' ->> 'id')::uuid
where e.type = 'blocks.mutated'
on conflict do nothing;

-- The block whose deletion took this one: itself for what was named, null for what is live.
alter table app.blocks add column trashed_with uuid;
with recursive trashed as (
  select b.workspace_id, b.canvas_id, b.id, b.deleted_at, b.id as root_id
  from app.blocks b
  left join app.blocks p on p.workspace_id = b.workspace_id and p.canvas_id = b.canvas_id and p.id = b.parent_id
  where b.deleted_at is not null and b.deleted_at is distinct from p.deleted_at
  union all
  select b.workspace_id, b.canvas_id, b.id, b.deleted_at, t.root_id
  from trashed t
  join app.blocks b on b.workspace_id = t.workspace_id and b.canvas_id = t.canvas_id and b.parent_id = t.id and b.deleted_at = t.deleted_at
)
update app.blocks b set trashed_with = t.root_id
from trashed t where b.workspace_id = t.workspace_id and b.canvas_id = t.canvas_id and b.id = t.id;
alter table app.blocks add constraint blocks_trashed check ((deleted_at is null) = (trashed_with is null));

insert into app.block_versions (workspace_id, canvas_id, block_id, version, seq, op)
select e.workspace_id, e.canvas_id, b.id, b.version, e.seq, 'delete'
from app.canvas_events e
cross join lateral json_array_elements(e.payload -> 'ops') as o (op)
join app.blocks b on b.workspace_id = e.workspace_id and b.canvas_id = e.canvas_id and b.id = (o.op ->> 'block_id')::uuid
where e.type = 'blocks.mutated' and o.op ->> 'op' = 'delete'
on conflict do nothing;

-- None of them has a live row, nor a column that an edit changes: edits stay HOT.
create index blocks_trash on app.blocks (workspace_id, canvas_id, trashed_with) where deleted_at is not null;
create index blocks_trash_list on app.blocks (workspace_id, canvas_id, deleted_at, id) where trashed_with = id;
create index blocks_trash_due on app.blocks (deleted_at) where trashed_with = id;
