import { parseArgs } from 'node:util';
import { PORTS, readPorts, type PortName, type Ports } from './ports.ts';
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
}

export const USAGE = `npm start [-- options]
  --detach            leave everything running in the background (npm run status, npm run stop)
${Object.entries(PORTS)
  .map(([name, { variable, port }]) => `  --${`${name}-port`.padEnd(17)} ${port}, or ${variable}`)
  .join('\n')}
Also read from the environment: DATABASE_ADMIN_URL (a superuser of your own Postgres), REDIS_URL, and SUPABASE_URL with
SUPABASE_ANON_KEY and SUPABASE_SERVICE_ROLE_KEY; what is not given is run here.`;

/** Reads what was asked for. Throws a `Problem` that shows the usage when it makes no sense; undefined for `--help`. */
export function readStartOptions(argv: string[], env: NodeJS.ProcessEnv): StartOptions | undefined {
  const port_flags = Object.fromEntries(
    (Object.keys(PORTS) as PortName[]).map((name) => [`${name}-port`, { type: 'string' as const }]),
  );
  const flag = { type: 'boolean' as const, default: false };
  const options = { ...port_flags, detach: flag, detached: flag, help: flag };
  let values: Record<string, string | boolean | undefined>;
  try {
    ({ values } = parseArgs({ args: argv, options, strict: true }));
  } catch (error) {
    throw new Problem(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  }
  if (values.help === true) return undefined;
  return {
    detach: values.detach === true,
    detached: values.detached === true,
    ports: readPorts(env, values as Record<string, string | undefined>),
    database_admin_url: env.DATABASE_ADMIN_URL || undefined,
    redis_url: env.REDIS_URL || undefined,
    supabase_url: env.SUPABASE_URL || undefined,
  };
}
