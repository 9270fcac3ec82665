import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { schema as api } from '@potentia/api/config';
import { schema as jobs } from '@potentia/jobs/config';
import { schema as realtime } from '@potentia/realtime/config';
import { schema as wa_worker } from '@potentia/wa-worker/config';
import { tailFile } from './command.ts';
import type { DatabaseUrls } from './database.ts';
import { local_dir, logFile, root } from './paths.ts';
import type { PortName, Ports } from './ports.ts';
import { Problem } from './problem.ts';
import { waitUntil, type Processes, type RunningProcess } from './processes.ts';
import { askReady } from './readiness.ts';
import type { Endpoint } from './state.ts';

const READY_TIMEOUT_MS = 60_000;
const LOG_LINES = 20;

/** Where each service finds what it needs. */
export interface Connections {
  database_urls: DatabaseUrls;
  redis_url: string;
  supabase: { url: string; anon_key: string; service_role_key: string };
  /** The `S3_*` variables of the sandbox's endpoint; undefined when the shell names a real one. */
  objects: Record<string, string> | undefined;
  /** `SMTP_URL`, `MAIL_FROM` and `APP_URL` of the sandbox; undefined when the shell names a real mail server. */
  mail: Record<string, string> | undefined;
  /** `ENCRYPTION_KEYS` of every service that seals. */
  encryption_keys: string;
  /** `SERVICE_JWT_SECRETS` and `WORKER_WEBHOOK_SECRETS`, by which the services know each other. */
  gateway: Record<string, string>;
  /** The sandbox's settings; undefined when a real Supabase project takes its place. */
  demo_password: string | undefined;
}

export interface ServicePlan {
  name: PortName;
  entry: string;
  env: Record<string, string>;
  endpoint: Endpoint;
}

const ENTRIES = [
  ['sandbox', 'infra/sandbox/src/main.ts'],
  ['api', 'apps/api/src/main.ts'],
  ['realtime', 'apps/realtime/src/main.ts'],
  ['jobs', 'apps/jobs/src/main.ts'],
  ['wa-worker', 'apps/wa-worker/src/main.ts'],
] as const;

export const serviceUrl = (ports: Ports, name: PortName): string => `http://127.0.0.1:${ports[name]}`;

/** What a service may have of the shell that starts it, beside the variables that it declares. */
const OF_THE_SHELL = /^(PATH|HOME|TMPDIR|NODE_OPTIONS|NODE_EXTRA_CA_CERTS|OTEL_\w+)$/;

/** The variables that each service declares; the sandbox shares no code with the services and reads its own. */
const DECLARED: Record<(typeof ENTRIES)[number][0], ReadonlySet<string>> = {
  sandbox: new Set(['SUPABASE_JWT_SECRET']),
  api: new Set(Object.keys(api.shape)),
  realtime: new Set(Object.keys(realtime.shape)),
  jobs: new Set(Object.keys(jobs.shape)),
  'wa-worker': new Set(Object.keys(wa_worker.shape)),
};

/**
 * The services of this tree in the order in which they start, each with its whole environment: what it declares, as given
 * here, else as set in `shell` (`RATE_LIMITS=… npm start`). Nothing else of the shell reaches it.
 */
export function planServices(ports: Ports, connections: Connections, shell: NodeJS.ProcessEnv): ServicePlan[] {
  return ENTRIES.filter(([, entry]) => existsSync(path.join(root, entry))).map(([name, entry]) => {
    // The sandbox depends on nothing, so that it is ready once it lives.
    const ready_path = name === 'sandbox' ? '/health' : '/ready';
    const endpoint = { name, port: ports[name], ready_url: `${serviceUrl(ports, name)}${ready_path}` };
    const given = name === 'sandbox' ? sandboxEnv(ports, connections) : serviceEnv(name, ports, connections, shell);
    const inherited = pick(shell, (key) => DECLARED[name].has(key) || OF_THE_SHELL.test(key));
    return { name, entry, env: { ...inherited, ...given }, endpoint };
  });
}

function sandboxEnv(ports: Ports, { supabase, demo_password, objects }: Connections): Record<string, string> {
  return {
    HOST: '127.0.0.1',
    PORT: String(ports.sandbox),
    SMTP_PORT: String(ports.smtp),
    S3_PORT: String(ports.s3),
    WHATSAPP_PORT: String(ports.whatsapp),
    WHATSAPP_MEDIA_PORT: String(ports['whatsapp-media']),
    ...objects,
    // Where a real project takes its place, its keys are no business of the sandbox.
    SUPABASE_ANON_KEY: demo_password === undefined ? 'unused' : supabase.anon_key,
    SUPABASE_SERVICE_ROLE_KEY: demo_password === undefined ? 'unused' : supabase.service_role_key,
    SANDBOX_DATA_DIR: path.join(local_dir, 'sandbox'),
    SANDBOX_DEMO_PASSWORD: demo_password ?? '',
    // A week, so that the tokens on the screen outlive the day.
    SANDBOX_ACCESS_TOKEN_TTL_S: String(7 * 24 * 3600),
    API_URL: serviceUrl(ports, 'api'),
    REALTIME_URL: serviceUrl(ports, 'realtime'),
  };
}

function serviceEnv(
  name: Exclude<(typeof ENTRIES)[number][0], 'sandbox'>,
  ports: Ports,
  { supabase, database_urls, redis_url, encryption_keys, gateway, objects, mail }: Connections,
  shell: NodeJS.ProcessEnv,
): Record<string, string> {
  const role = name === 'jobs' ? 'job_user' : name === 'wa-worker' ? 'wa_user' : 'app_user';
  const sandbox_origins = [serviceUrl(ports, 'sandbox'), `http://localhost:${ports.sandbox}`];
  const given = {
    NODE_ENV: 'development',
    HOST: '127.0.0.1',
    PORT: String(ports[name]),
    DATABASE_URL: database_urls[role],
    APP_DATABASE_URL: database_urls.app_user,
    REDIS_URL: redis_url,
    CORS_ORIGINS: sandbox_origins.join(','),
    SUPABASE_URL: supabase.url,
    SUPABASE_ANON_KEY: supabase.anon_key,
    SUPABASE_SERVICE_ROLE_KEY: supabase.service_role_key,
    ENCRYPTION_KEYS: encryption_keys,
    // A developer's own receiver is on this machine.
    WEBHOOK_ALLOWED_NETWORKS: '127.0.0.0/8,::1/128',
    ...gateway,
    API_URL: serviceUrl(ports, 'api'),
    ...objects,
    ...mail,
    ...sandboxModel(ports, shell),
    ...(name === 'wa-worker' && sandboxWhatsApp(ports, shell)),
    REALTIME_PUBLIC_URL: serviceUrl(ports, 'realtime').replace(/^http/, 'ws'),
  };
  return pick(given, (key) => DECLARED[name].has(key) || OF_THE_SANDBOX.has(key));
}

/** Read by the preload, not by the service: it knows nothing of a sandbox. */
const OF_THE_SANDBOX = new Set(['NODE_OPTIONS', 'WHATSAPP_SANDBOX_URL']);
const TRUST_SANDBOX = new URL('../../sandbox/src/whatsapp/trust-sandbox.mjs', import.meta.url).href;

/** Where the shell names no WhatsApp, the sandbox is it, and the worker is told to trust its certificates. */
const sandboxWhatsApp = (ports: Ports, shell: NodeJS.ProcessEnv): Record<string, string> =>
  shell['WHATSAPP_WEB_SOCKET_URL']
    ? {}
    : {
        WHATSAPP_WEB_SOCKET_URL: `ws://127.0.0.1:${ports.whatsapp}/ws/chat`,
        WHATSAPP_SANDBOX_URL: serviceUrl(ports, 'sandbox'),
        NODE_OPTIONS: `${shell['NODE_OPTIONS'] ?? ''} --import ${TRUST_SANDBOX}`.trim(),
      };

/** The key `sandbox` is that of the stand-in, which is there whatever else is real. Without a key rules answer. */
const sandboxModel = (ports: Ports, { GEMINI_API_KEY, GEMINI_BASE_URL }: NodeJS.ProcessEnv): Record<string, string> =>
  GEMINI_API_KEY === 'sandbox' && !GEMINI_BASE_URL ? { GEMINI_BASE_URL: serviceUrl(ports, 'sandbox') } : {};

function pick(source: NodeJS.ProcessEnv, wanted: (key: string) => boolean): Record<string, string> {
  const entries = Object.entries(source).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return Object.fromEntries(entries.filter(([key]) => wanted(key)));
}

/** A service's environment as a file for `node --env-file`, without what it has of the shell. */
export function envFile(env: Record<string, string>): string {
  // Of the preload, by which alone a worker takes the sandbox for WhatsApp.
  const is_trusting = env['WHATSAPP_SANDBOX_URL'] !== undefined;
  const own = Object.entries(env).filter(([key]) => !OF_THE_SHELL.test(key) || (is_trusting && key === 'NODE_OPTIONS'));
  return own.map(([key, value]) => `${key}=${value.includes("'") ? `"${value}"` : `'${value}'`}\n`).join('');
}

/** Starts one service as a process of its own, and leaves its environment in `.local` for whoever runs it alone. */
export async function startService(processes: Processes, plan: ServicePlan): Promise<RunningProcess> {
  await writeFile(path.join(local_dir, `${plan.name}.env`), envFile(plan.env), { mode: 0o600 });
  return processes.start({
    name: plan.name,
    file: process.execPath,
    args: [path.join(root, plan.entry)],
    cwd: root,
    env: plan.env,
    log_file: logFile(plan.name),
  });
}

/** Waits until the service says that it is ready. Throws a `Problem` with the end of its log when it does not. */
export async function waitReady(plan: ServicePlan, service: RunningProcess): Promise<void> {
  let detail = '';
  const isReady = async () => {
    const answer = await askReady(plan.endpoint);
    detail = answer.detail;
    return answer.ready;
  };
  if (await waitUntil(isReady, READY_TIMEOUT_MS, service.exited)) return;
  throw new Problem(`${plan.name} does not get ready (${detail}).\n${endOfLog(plan.name)}`);
}

/** The last lines that a service wrote, with the file they are from. */
export function endOfLog(name: string): string {
  const file = logFile(name);
  return `The end of ${file}:\n${tailFile(file, LOG_LINES).replace(/^/gm, '  ')}`;
}
