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
 * `.env.example` and the README's configuration table, from the schemas that the services read their environment with.
 * `npm run env:example` writes both; a test fails while one is stale.
 */

const root = resolve(import.meta.dirname, '../../..');
const env_example_file = resolve(root, '.env.example');
const readme_file = resolve(root, 'README.md');
const schemas: Record<string, z.ZodObject> = { api, realtime, jobs, 'wa-worker': wa_worker, bootstrap, migrate };

/** The table stands between these two lines of the README. */
const TABLE = /(<!-- configuration: [^\n]*-->\n)[\s\S]*(<!-- \/configuration -->)/;

interface Variable {
  name: string;
  /** The services that read it. */
  readers: string[];
  /** What it is, ending with a full stop. */
  description: string;
  /** Secret, other names, defaults that differ by service. */
  notes: string[];
  required: boolean;
  /** The default as one would write it; with several, the first. */
  value: string | undefined;
  example: string | undefined;
}

/** Every variable once, in the order of the schemas. */
function variablesOf(services: Record<string, z.ZodObject>): Variable[] {
  const fields = new Map<string, Map<string, z.core.$ZodType>>();
  for (const [service, schema] of Object.entries(services)) {
    for (const [name, field] of Object.entries(fieldsOf(schema))) {
      fields.set(name, new Map(fields.get(name)).set(service, field));
    }
  }
  return [...fields].map(([name, readers]) => describe(name, readers));
}

function describe(name: string, readers: Map<string, z.core.$ZodType>): Variable {
  const fields = [...readers.values()];
  const meta = metaOf(fields[0]);
  const notes = [meta.secret ? 'Secret.' : '', meta.aliases ? `Also read as ${meta.aliases.join(', ')}.` : ''];
  const defaults = new Map([...readers].map(([service, field]) => [service, defaultOf(field)]));
  const values = new Set(defaults.values());
  if (values.size > 1) {
    notes.push(`Defaults: ${[...defaults].map(([service, value]) => `${service} ${value ?? 'none'}`).join(', ')}.`);
  }
  return {
    name,
    readers: [...readers.keys()],
    description: `${meta.description ?? ''}.`,
    notes: notes.filter(Boolean),
    required: fields.some((field) => !z.safeParse(field, undefined).success),
    value: [...values][0],
    example: meta.example,
  };
}

/** The default as one would write it in the environment; undefined when there is none. */
function defaultOf(field: z.core.$ZodType): string | undefined {
  const { data } = z.safeParse(field, undefined);
  if (Array.isArray(data)) {
    // Lists of words are written with commas, all else in JSON.
    const is_words = data.every((item) => typeof item === 'string');
    return data.length > 0 ? (is_words ? data.join(',') : JSON.stringify(data)) : undefined;
  }
  return typeof data === 'string' || typeof data === 'number' || typeof data === 'boolean' ? String(data) : undefined;
}

/** The text of `.env.example` for the given services, grouped by who reads a variable. */
export function envExample(services: Record<string, z.ZodObject> = schemas): string {
  const groups = new Map<string, string[]>();
  for (const variable of variablesOf(services)) {
    const { name, readers, description, notes, required, value, example } = variable;
    const group = readers.join(', ');
    const line = `${required ? '' : '# '}${name}=${value ?? example ?? ''}`;
    groups.set(group, [...(groups.get(group) ?? []), `# ${[description, ...notes].join(' ')}\n${line}`]);
  }
  const head = [
    '# Every variable that the services read, made from their schemas by `npm run env:example`: do not edit.',
    '# What stands commented out has this value by default, or may stay unset.',
  ].join('\n');
  return [head, ...[...groups].map(([group, entries]) => `# ==== ${group} ====\n\n${entries.join('\n\n')}`), '']
    .join('\n\n')
    .replace(/\n+$/, '\n');
}

/** The README's table. */
export function configurationTable(services: Record<string, z.ZodObject> = schemas): string {
  const rows = variablesOf(services).map(({ name, readers, description, notes, required, value }) => {
    const fallback = required ? '**required**' : value ? `\`${value}\`` : '';
    return `| \`${name}\` | ${readers.join(', ')} | ${fallback} | ${[description, ...notes].join(' ')} |`;
  });
  return ['| variable | read by | default | what it is |', '| --- | --- | --- | --- |', ...rows, ''].join('\n');
}

/** The files as they are, and as the schemas say they should be. */
export function generatedFiles(): { path: string; current: string; expected: string }[] {
  const readme = readFileSync(readme_file, 'utf8');
  const table = configurationTable();
  return [
    { path: env_example_file, current: readFileSync(env_example_file, 'utf8'), expected: envExample() },
    {
      path: readme_file,
      current: readme,
      expected: readme.replace(TABLE, (_all, begin: string, end: string) => begin + table + end),
    },
  ];
}

if (import.meta.main) for (const { path, expected } of generatedFiles()) writeFileSync(path, expected);
