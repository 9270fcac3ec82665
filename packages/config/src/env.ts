import { createHash } from 'node:crypto';
import { z } from 'zod';

/** What a variable may say about itself in `.meta({ … })`, beside its `description`. */
declare module 'zod' {
  interface GlobalMeta {
    /** Older or foreign names that are read when the variable itself is not set. */
    aliases?: string[];
    /** Logged as a key id only; see `redactEnv`. */
    secret?: boolean;
    /** What `.env.example` shows as the value. */
    example?: string;
  }
}

type Source = Record<string, string | undefined>;

export interface EnvProblem {
  name: string;
  problem: string;
  description: string;
}

/** The environment does not satisfy a schema. The message is the table that an operator reads; it holds no values. */
export class EnvError extends Error {
  override readonly name = 'EnvError';
  readonly problems: EnvProblem[];

  constructor(service: string, problems: EnvProblem[]) {
    const s = problems.length === 1 ? ' is' : 's are';
    super(
      `${service} cannot start: ${problems.length} environment variable${s} missing or wrong.\n\n${table(problems)}`,
    );
    this.problems = problems;
  }
}

/**
 * Reads a service's environment once. When a variable is missing or malformed, prints a table of all of them to stderr
 * and ends the process with code 1.
 */
export function loadEnv<S extends z.ZodObject>(service: string, schema: S, source: Source = process.env): z.output<S> {
  for (const name of Object.keys(source)) {
    if (name.startsWith('NEXT_PUBLIC_')) console.error(`${name} is meant for browsers: ${service} ignores it.`);
  }
  try {
    return parseEnv(service, schema, source);
  } catch (error) {
    if (!(error instanceof EnvError)) throw error;
    console.error(error.message);
    process.exit(1);
  }
}

/** `loadEnv` without the process: throws `EnvError`. An empty value counts as not set. */
export function parseEnv<S extends z.ZodObject>(service: string, schema: S, source: Source): z.output<S> {
  const shape = fieldsOf(schema);
  const input: Source = {};
  for (const [name, field] of Object.entries(shape)) {
    const set = [name, ...(metaOf(field).aliases ?? [])].find((candidate) => source[candidate]);
    if (set) input[name] = source[set];
  }
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;

  const problems = new Map<string, EnvProblem>();
  for (const issue of parsed.error.issues) {
    const name = String(issue.path[0] ?? '(all)');
    if (problems.has(name)) continue;
    const meta = metaOf(shape[name]);
    const missing = name in shape && input[name] === undefined;
    problems.set(name, {
      name,
      problem: missing ? missingText(meta.aliases) : issue.message,
      description: meta.description ?? '',
    });
  }
  throw new EnvError(service, [...problems.values()]);
}

/**
 * The effective configuration as it may be logged: a secret becomes its key id, `sha256:` and the first 8 hex digits of
 * its SHA-256, enough to see which of two keys is in use and nothing more.
 */
export function redactEnv<S extends z.ZodObject>(schema: S, env: z.output<S>): Record<string, unknown> {
  const shape = fieldsOf(schema);
  return Object.fromEntries(
    Object.entries(env)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, metaOf(shape[name]).secret ? redact(value) : value]),
  );
}

/** The variables of a schema by name. */
export const fieldsOf = (schema: z.ZodObject): Record<string, z.core.$ZodType> => schema.shape;

/** The metadata of a variable, wherever in `z.string().meta({…}).optional().default(…)` it was attached. */
export function metaOf(field: z.core.$ZodType | undefined): z.GlobalMeta {
  if (!field) return {};
  const def = field._zod.def as { innerType?: z.core.$ZodType; in?: z.core.$ZodType };
  return { ...metaOf(def.innerType ?? def.in), ...z.globalRegistry.get(field) };
}

function redact(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(redact);
  if (typeof value === 'object' && value !== null && 'secret' in value) {
    return { ...value, secret: redact(value.secret) };
  }
  return `sha256:${createHash('sha256').update(String(value)).digest('hex').slice(0, 8)}`;
}

function missingText(aliases: string[] | undefined): string {
  return aliases?.length ? `missing (${aliases.join(' or ')} is read too)` : 'missing';
}

function table(problems: EnvProblem[]): string {
  const header = { name: 'VARIABLE', problem: 'PROBLEM', description: 'WHAT IT IS' };
  const rows = [header, ...problems];
  const width = (column: 'name' | 'problem') => Math.max(...rows.map((row) => row[column].length));
  const line = (row: EnvProblem) =>
    `  ${row.name.padEnd(width('name'))}  ${row.problem.padEnd(width('problem'))}  ${row.description}`.trimEnd();
  return rows.map(line).join('\n');
}
