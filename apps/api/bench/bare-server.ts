import { fastify } from 'fastify';
import postgres from 'postgres';

/*
 * What the API is measured against: Fastify, postgres.js and the same SELECT, with no token, no limit, no row-level security.
 * Once as such a route is usually written, rows in and JSON out, and once with the JSON built in SQL, as the API has it.
 * Runs as a process of its own: DATABASE_URL, WORKSPACE_ID.
 */
process.on('SIGTERM', () => process.exit(0));
const sql = postgres(process.env['DATABASE_URL'] ?? '', { max: 10, onnotice: () => undefined });
const workspace_id = process.env['WORKSPACE_ID'] ?? '';

const PAGE = `
  select concat('{"items":[', string_agg(app.block_json(b), ','), '],"next_cursor":null}') as page
  from (
    select * from app.blocks b
    where b.workspace_id = $1 and b.canvas_id = $2 and b.parent_id is null and b.rank > '' and b.deleted_at is null
    order by b.rank limit $3
  ) b`;

const app = fastify();
app.get<{ Params: { canvas_id: string }; Querystring: { limit: string } }>(
  '/canvases/:canvas_id/blocks',
  async (request, reply) => {
    const { canvas_id } = request.params;
    const [row] = await sql.unsafe<[{ page: string }]>(PAGE, [workspace_id, canvas_id, Number(request.query.limit)], {
      prepare: true,
    });
    return reply.type('application/json; charset=utf-8').send(row.page);
  },
);

const ROWS = `
  select id, canvas_id, parent_id, type, content, rank, version, created_by, updated_by, created_at, updated_at
  from app.blocks b
  where b.workspace_id = $1 and b.canvas_id = $2 and b.parent_id is null and b.rank > '' and b.deleted_at is null
  order by b.rank limit $3`;

app.get<{ Params: { canvas_id: string }; Querystring: { limit: string } }>(
  '/canvases/:canvas_id/rows',
  async (request) => {
    const { canvas_id } = request.params;
    const rows = await sql.unsafe(ROWS, [workspace_id, canvas_id, Number(request.query.limit)], { prepare: true });
    return { items: rows, next_cursor: null };
  },
);

console.log(JSON.stringify({ url: await app.listen({ host: '127.0.0.1', port: 0 }) }));
