import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { schema as api } from '@potentia/api/config';
import { fieldsOf, metaOf } from '@potentia/config/env';
import { bootstrapSchema as bootstrap, migrateSchema as migrate } from '@potentia/db/config';
import { schema as jobs } from '@potentia/jobs/config';
import { schema as realtime } from '@potentia/realtime/config';
import { schema as wa_worker } from '@potentia/wa-worker/config';
import { z } from 'zod';

/*
 * `.env.example` from the schemas that the services read their environment with. `pnpm env:example` writes it; a test
 * fails while it is stale.
 */

const file = resolve(import.meta.dirname, '../../../.env.example');
const schemas: Record<string, z.ZodObject> = { api, realtime, jobs, 'wa-worker': wa_worker, bootstrap, migrate };

/** One variable and, per service that reads it, its field. */
type Readers = Map<string, z.core.$ZodType>;

/** The text of `.env.example` for the given services, grouped by who reads a variable. */
export function envExample(services: Record<string, z.ZodObject> = schemas): string {
  const variables = new Map<string, Readers>();
  for (const [service, schema] of Object.entries(services)) {
    for (const [name, field] of Object.entries(fieldsOf(schema))) {
      const readers: Readers = variables.get(name) ?? new Map<string, z.core.$ZodType>();
      variables.set(name, readers.set(service, field));
    }
  }
  const groups = new Map<string, string[]>();
  for (const [name, readers] of variables) {
    const group = [...readers.keys()].join(', ');
    groups.set(group, [...(groups.get(group) ?? []), entry(name, readers)]);
  }
  const head = [
    '# Every variable that the services read, made from their schemas by `pnpm env:example`: do not edit.',
    '# What stands commented out has this value by default, or may stay unset.',
  ].join('\n');
  return [head, ...[...groups].map(([group, entries]) => `# ==== ${group} ====\n\n${entries.join('\n\n')}`), '']
    .join('\n\n')
    .replace(/\n+$/, '\n');
}

/** What `.env.example` holds now. */
export const currentEnvExample = (): string => readFileSync(file, 'utf8');

function entry(name: string, readers: Readers): string {
  const fields = [...readers.values()];
  const meta = metaOf(fields[0]);
  const notes = [meta.secret ? 'Secret.' : '', meta.aliases ? `Also read as ${meta.aliases.join(', ')}.` : ''];
  const defaults = new Map([...readers].map(([service, field]) => [service, defaultOf(field)]));
  const values = new Set(defaults.values());
  if (values.size > 1) {
    notes.push(`Defaults: ${[...defaults].map(([service, value]) => `${service} ${value ?? 'none'}`).join(', ')}.`);
  }
  const comment = [`${meta.description ?? ''}.`, ...notes].filter(Boolean).join(' ');
  const required = fields.some((field) => !z.safeParse(field, undefined).success);
  const [value] = values;
  return `# ${comment}\n${required ? '' : '# '}${name}=${value ?? meta.example ?? ''}`;
}

/** The default as one would write it in the environment; undefined when there is none, or none that is one word. */
function defaultOf(field: z.core.$ZodType): string | undefined {
  const { data } = z.safeParse(field, undefined);
  return typeof data === 'string' || typeof data === 'number' || typeof data === 'boolean' ? String(data) : undefined;
}

if (import.meta.main) writeFileSync(file, envExample());
