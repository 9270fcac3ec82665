import { parseArgs } from 'node:util';
import { PORTS, USAGE } from '../usage.mjs';
import { readPorts, type PortName, type Ports } from './ports.ts';
import { Problem } from './problem.ts';

export interface StartOptions {
  detach: boolean;
  /** This is the process that `--detach` left in the background. */
  detached: boolean;
  ports: Ports;
  /** A superuser of a Postgres that runs elsewhere. */
  database_admin_url: string | undefined;
  redis_url: string | undefined;
  /** A Supabase project of one's own; the sandbox stands in for it otherwise. */
  supabase_url: string | undefined;
  /** An S3 API of one's own; the sandbox stands in for it otherwise. */
  s3_endpoint: string | undefined;
  /** A mail server of one's own; the sandbox stands in for it otherwise. */
  smtp_url: string | undefined;
}

/** Reads what was asked for. Throws a `Problem` that shows the usage when it makes no sense. */
export function readStartOptions(argv: string[], env: NodeJS.ProcessEnv): StartOptions {
  const port_flags = Object.fromEntries(
    (Object.keys(PORTS) as PortName[]).map((name) => [`${name}-port`, { type: 'string' as const }]),
  );
  const flag = { type: 'boolean' as const, default: false };
  const options = { ...port_flags, detach: flag, detached: flag };
  let values: Record<string, string | boolean | undefined>;
  try {
    ({ values } = parseArgs({ args: argv, options, strict: true }));
  } catch (error) {
    throw new Problem(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  }
  return {
    detach: values.detach === true,
    detached: values.detached === true,
    ports: readPorts(env, values as Record<string, string | undefined>),
    database_admin_url: env.DATABASE_ADMIN_URL || undefined,
    redis_url: env.REDIS_URL || undefined,
    supabase_url: env.SUPABASE_URL || undefined,
    s3_endpoint: env.S3_ENDPOINT || undefined,
    smtp_url: env.SMTP_URL || undefined,
  };
}
