import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import {
  BUILT_IN_ROLES,
  DEFAULT_ROLE_KEY,
  roleStems,
  type BuiltInRole,
} from '@potentia/domain/agent/rules/built-in-roles';

/*
 * The built-in roles as SQL, with the stems that they are found by. `npm run roles:sql` writes the file; a test fails while it
 * is stale, which it also is when a text has other stems than before.
 */

const file = resolve(import.meta.dirname, '../../../packages/db/src/agent/sql/61_built_in_roles.sql');

const HEAD = `-- Made by \`npm run roles:sql\`: do not edit. A role that is no longer among these stays for whoever has fixed it, switched off.
`;

const quote = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** The default one is found by nothing: it is who answers when no other suits. */
const stemsOf = (role: BuiltInRole): object => (role.key === DEFAULT_ROLE_KEY ? {} : roleStems(role));

function rowOf(role: BuiltInRole): string {
  const { id, key, name, is_frame, aim, tone, prompt, examples } = role;
  const texts = [id, key, name].map(quote).join(', ');
  const lines = [aim, tone, prompt, JSON.stringify(examples), JSON.stringify(stemsOf(role))].map(quote).join(',\n   ');
  return `  (${texts}, ${is_frame},\n   ${lines})`;
}

/** The statement that makes the rows be these. */
export function builtInRolesSql(roles: readonly BuiltInRole[] = BUILT_IN_ROLES): string {
  return `${HEAD}insert into app.role_prompts as r (id, key, name, is_frame, aim, tone, prompt, examples, is_enabled, terms, weights)
select v.id::uuid, v.key, v.name, v.is_frame, v.aim, v.tone, v.prompt, v.examples::jsonb, true, t.terms, t.weights
from (values
${roles.map(rowOf).join(',\n')}
) v (id, key, name, is_frame, aim, tone, prompt, examples, stems)
cross join lateral app.role_terms('00000000-0000-0000-0000-000000000000', v.stems::jsonb) t
on conflict (key) where key is not null do update
set name = excluded.name, is_frame = excluded.is_frame, aim = excluded.aim, tone = excluded.tone, prompt = excluded.prompt,
  examples = excluded.examples, is_enabled = true, terms = excluded.terms, weights = excluded.weights, version = r.version + 1,
  updated_at = now();
update app.role_prompts set is_enabled = false
where key is not null and is_enabled and key not in (${roles.map(({ key }) => quote(key)).join(', ')});
`;
}

/** The file as it is, and as it should be. */
export function builtInRolesFile(): { path: string; current: string; expected: string } {
  let current = '';
  try {
    current = readFileSync(file, 'utf8');
  } catch {
    // Not written yet.
  }
  return { path: file, current, expected: builtInRolesSql() };
}

if (import.meta.main) writeFileSync(file, builtInRolesSql());
