import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { seedCanvas } from '@potentia/db/testing/seed';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createLogger } from '@potentia/config/logger';
import type { UserCtx } from '../platform/ctx.ts';
import { personCtx } from '../platform/testing/person.ts';
import { newId } from '../platform/uuid.ts';
import { exportMarkdown } from './export-markdown.ts';
import { createMarkdown } from './adapters/markdown-processes.ts';
import { importMarkdown } from './import-markdown.ts';
import type { MarkdownCtx } from './markdown.ts';
import { parseMarkdown } from './rules/markdown-parse.ts';
import type { MutationResult } from './schemas.ts';

const markdown = createMarkdown(createLogger({ service: 'test', level: 'silent' }));
let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(async () => {
  await markdown.close();
  await database.drop();
});

async function setUp(overrides: Partial<UserCtx> = {}): Promise<{ ctx: MarkdownCtx; canvas_id: string }> {
  const { canvas_id, user_id } = await seedCanvas(database.db);
  return { ctx: { ...personCtx(database.db, user_id, overrides), markdown }, canvas_id };
}

const created = ({ ops }: MutationResult) => ops.flatMap((op) => (op.op === 'create' ? [op.block] : []));

it('imports a document as one mutation and exports the same headings, lists and code', async () => {
  const { ctx, canvas_id } = await setUp();
  const readme = await readFile(new URL('../../../../node_modules/vitest/README.md', import.meta.url), 'utf8');
  const document = `${readme}\n\n1. one\n   - two\n     \`\`\`ts\n     three();\n     \`\`\`\n`;
  const { seq } = await importMarkdown(ctx, { canvas_id, markdown: document });
  expect(seq).toBe(1);
  const exported = await exportMarkdown(ctx, { canvas_id });
  expect(parseMarkdown(exported.markdown)).toEqual(parseMarkdown(document));
});

it('imports below a block and after another, in order', async () => {
  const { ctx, canvas_id } = await setUp();
  const [quote] = created(await importMarkdown(ctx, { canvas_id, markdown: '> quote' }));
  const parent_id = quote?.id ?? '';
  const [first] = created(await importMarkdown(ctx, { canvas_id, parent_id, markdown: 'one\n\nfour' }));
  await importMarkdown(ctx, { canvas_id, parent_id, after_id: first?.id ?? '', markdown: 'two\n\n- three\n  - below' });
  const exported = await exportMarkdown(ctx, { canvas_id });
  expect(exported.markdown).toBe('> quote\n>\n> one\n>\n> two\n>\n> - three\n>   - below\n>\n> four\n');
});

it('applies the same import once per Idempotency-Key', async () => {
  const { ctx, canvas_id } = await setUp({ idempotency_key: newId() });
  const first = await importMarkdown(ctx, { canvas_id, markdown: '# a\n\n- b' });
  expect(await importMarkdown(ctx, { canvas_id, markdown: '# a\n\n- b' })).toEqual({ ...first, replayed: true });
  await expect(importMarkdown(ctx, { canvas_id, markdown: '# other' })).rejects.toThrow(
    expect.objectContaining({ code: 'canvas.mutation_reused' }) as Error,
  );
  expect((await exportMarkdown(ctx, { canvas_id })).markdown).toBe('# a\n\n- b\n');
});

it.each([
  ['no block', ''],
  ['too many blocks', '- a\n'.repeat(2_001)],
  ['a block that is too big', `\`\`\`\n${'x'.repeat(60_000)}\n\`\`\``],
  ['nesting without end', `${'> '.repeat(100)}a`],
  ['brackets that take a parser for ever', '[a](b'.repeat(60_000)],
  ['more paragraphs than fit the memory', 'a\n\n'.repeat(170_000)],
])('refuses a document with %s, and adds nothing', async (_name, document) => {
  const { ctx, canvas_id } = await setUp();
  await expect(importMarkdown(ctx, { canvas_id, markdown: document })).rejects.toThrow(
    expect.objectContaining({ kind: 'invalid', code: 'canvas.import_refused' }) as Error,
  );
  expect((await exportMarkdown(ctx, { canvas_id })).markdown).toBe('');
});

it('imports 2,000 blocks within the bound, with short ranks', async () => {
  const { ctx, canvas_id } = await setUp();
  const blocks = created(await importMarkdown(ctx, { canvas_id, markdown: '- a\n'.repeat(2_000) }));
  expect(blocks).toHaveLength(2_000);
  expect(Math.max(...blocks.map(({ rank }) => rank.length))).toBeLessThanOrEqual(4);
});
