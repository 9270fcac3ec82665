import { argv, exit, stderr, stdout } from 'node:process';
import { startLocalPostgres, startLocalRedis } from './backing.ts';
import { prepareDatabase } from './database.ts';
import { DEMO_PASSWORD, signInDemoUsers } from './demo-users.ts';
import { detach } from './detach.ts';
import { halt } from './halt.ts';
import { readStartOptions, type StartOptions } from './options.ts';
import { assertPortsFree, type PortName } from './ports.ts';
import { describeError, Problem } from './problem.ts';
import type { Processes } from './processes.ts';
import { step, timed } from './progress.ts';
import { renderScreen, type Demo, type ScreenContent } from './screen.ts';
import { ensureSecrets, type Secrets } from './secrets.ts';
import { seedDemo } from './seed.ts';
import {
  endOfLog,
  planServices,
  serviceUrl,
  startService,
  waitReady,
  type Connections,
  type ServicePlan,
} from './services.ts';
import { isAlive, knownProcess, readState, removeState, writeState, type RunState } from './state.ts';
import { supervise } from './supervise.ts';

/** `npm start`: everything, from what is missing on the machine to the screen that says where it listens. */
async function start(options: StartOptions, started: Processes): Promise<number> {
  await claimCheckout();
  stdout.write('Starting Potentia\n');
  const state = await newState();
  started.afterwards(async () => removeState());
  const processes = recordStarts(started, state);
  const connections = await startBacking(options, processes, state);
  const plans = planServices(options.ports, connections, process.env);
  await startServices(plans, processes, state);
  const demo = options.supabase_url ? undefined : await step('demo workspace', () => prepareDemo(connections));
  stdout.write(renderScreen({ ...describeServices(options, plans), demo }));
  state.phase = 'ready';
  await writeState(state);
  const { name, code, signal } = await processes.firstExit();
  throw new Problem(
    `${name} ended by itself (${signal ?? `exit code ${code}`}); stopping the rest.\n${endOfLog(name)}`,
  );
}

/** Throws a `Problem` when this checkout runs already; ends what a killed start left behind. */
async function claimCheckout(): Promise<void> {
  const state = readState();
  if (!state) return;
  if (await isAlive(state.supervisor)) {
    throw new Problem('Potentia is running already (npm run status). To start anew: npm run stop');
  }
  await halt(state);
}

async function newState(): Promise<RunState> {
  const supervisor = await knownProcess('supervisor', process.pid);
  const started_at = new Date().toISOString();
  const state: RunState = { phase: 'starting', supervisor, processes: [], endpoints: [], started_at };
  await writeState(state);
  return state;
}

/** The same processes, each written down as it starts, so that `status`, `stop` and the next start know of it. */
function recordStarts(started: Processes, state: RunState): Processes {
  return {
    ...started,
    async start(options) {
      const running = await started.start(options);
      state.processes.push(await knownProcess(running.name, running.pid, options.stop_signal));
      await writeState(state);
      return running;
    },
  };
}

/** Postgres and Redis, and the database as the services need it. */
async function startBacking(options: StartOptions, processes: Processes, state: RunState): Promise<Connections> {
  const { ports, database_admin_url, redis_url } = options;
  const own: PortName[] = [
    ...(database_admin_url ? [] : ['postgres' as const]),
    ...(redis_url ? [] : ['redis' as const]),
    ...(['sandbox', 'smtp', 's3', 'whatsapp', 'whatsapp-media', 'api', 'realtime', 'jobs', 'wa-worker'] as const),
  ];
  await assertPortsFree(own, ports);
  const secrets = await ensureSecrets();
  const admin_url =
    database_admin_url ?? (await step('Postgres with pgvector', () => startLocalPostgres(processes, ports, secrets)));
  const redis = redis_url ?? (await step('Redis', () => startLocalRedis(processes, ports, secrets)));
  for (const name of ['postgres', 'redis'] as const) {
    if (own.includes(name)) state.endpoints.push({ name, port: ports[name] });
  }
  const database_urls = await step('database roles and migrations', () => prepareDatabase(admin_url, secrets));
  const encryption_keys = `local:${Buffer.from(secrets.encryption_key, 'hex').toString('base64')}`;
  const gateway = gatewayOf(secrets);
  const objects = objectsOf(options, secrets);
  const mail = mailOf(options);
  return { database_urls, redis_url: redis, encryption_keys, gateway, objects, mail, ...supabaseOf(options, secrets) };
}

/** By what the services know each other. */
const gatewayOf = ({ service_jwt_secret, worker_webhook_secret }: Secrets): Connections['gateway'] => ({
  SERVICE_JWT_SECRETS: service_jwt_secret,
  WORKER_WEBHOOK_SECRETS: `whsec_${Buffer.from(worker_webhook_secret, 'hex').toString('base64')}`,
});

/** The sandbox's S3 endpoint, unless there is a real one. */
function objectsOf({ s3_endpoint, ports }: StartOptions, secrets: Secrets): Connections['objects'] {
  if (s3_endpoint) return undefined;
  return {
    S3_ENDPOINT: serviceUrl(ports, 's3'),
    S3_BUCKET: 'potentia',
    S3_REGION: 'us-east-1',
    S3_ACCESS_KEY_ID: 'sandbox',
    S3_SECRET_ACCESS_KEY: secrets.s3_secret_access_key,
  };
}

/** The sandbox's inbox and the page that its links lead to, unless there is a real mail server. */
function mailOf({ smtp_url, ports }: StartOptions): Connections['mail'] {
  if (smtp_url) return undefined;
  return {
    SMTP_URL: serviceUrl(ports, 'smtp').replace(/^http/, 'smtp'),
    MAIL_FROM: 'Potentia <no-reply@potentia.example>',
    APP_URL: serviceUrl(ports, 'sandbox'),
  };
}

function supabaseOf(
  { supabase_url, ports }: StartOptions,
  secrets: Secrets,
): Pick<Connections, 'supabase' | 'demo_password'> {
  const { SUPABASE_ANON_KEY = '', SUPABASE_SERVICE_ROLE_KEY, SUPABASE_SERVICE_KEY } = process.env;
  if (supabase_url) {
    const service_role_key = SUPABASE_SERVICE_ROLE_KEY ?? SUPABASE_SERVICE_KEY ?? '';
    return { supabase: { url: supabase_url, anon_key: SUPABASE_ANON_KEY, service_role_key }, demo_password: undefined };
  }
  const { supabase_anon_key: anon_key, supabase_service_role_key: service_role_key } = secrets;
  return {
    supabase: { url: serviceUrl(ports, 'sandbox'), anon_key, service_role_key },
    demo_password: DEMO_PASSWORD,
  };
}

async function startServices(plans: ServicePlan[], processes: Processes, state: RunState): Promise<void> {
  const services: (() => Promise<void>)[] = [];
  for (const plan of plans) {
    state.endpoints.push(plan.endpoint);
    const service = await startService(processes, plan);
    services.push(() => timed(plan.name, () => waitReady(plan, service)));
  }
  await Promise.all(services.map((ready) => ready()));
}

async function prepareDemo(connections: Connections): Promise<Demo> {
  const users = await signInDemoUsers(connections.supabase);
  return { users, canvas_id: await seedDemo(connections, users) };
}

function describeServices({ ports, detached }: StartOptions, plans: ServicePlan[]): Omit<ScreenContent, 'demo'> {
  const names = plans.map((plan) => plan.name);
  return {
    api: serviceUrl(ports, 'api'),
    realtime: serviceUrl(ports, 'realtime'),
    console: names.includes('sandbox') ? serviceUrl(ports, 'sandbox') : undefined,
    metrics: names.filter((name) => name !== 'sandbox').map((name) => `${serviceUrl(ports, name)}/metrics`),
    detached,
  };
}

async function main(): Promise<number> {
  const args = argv.slice(2);
  try {
    const options = readStartOptions(args, process.env);
    if (options.detach) return await detach(args);
    return await supervise((processes) => start(options, processes), { interrupted_code: 0 });
  } catch (error) {
    stderr.write(`${describeError(error)}\n`);
    return 1;
  }
}

exit(await main());
