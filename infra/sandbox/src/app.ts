import Fastify, { type FastifyInstance } from 'fastify';
import type { AddressInfo } from 'node:net';
import type { SandboxConfig } from './config.ts';
import { DEMO_USERS, registerConsole } from './console/routes.ts';
import { registerGemini } from './gemini/routes.ts';
import { INPUT_CHECKS } from './input.ts';
import { listStoredObjects } from './s3/console-routes.ts';
import { createS3Server, type S3Server } from './s3/server.ts';
import { registerInbox } from './smtp/routes.ts';
import { createMailServer } from './smtp/server.ts';
import { openMailStore } from './smtp/store.ts';
import { registerWhatsApp } from './whatsapp/routes.ts';
import { registerWebhooks } from './webhooks/routes.ts';
import { registerSupabaseAuth, type SupabaseAuthOptions } from './supabase-auth/routes.ts';

export interface SandboxOptions extends Partial<SandboxConfig> {
  /** See `SupabaseAuthOptions`. */
  reuse_interval_ms?: SupabaseAuthOptions['reuse_interval_ms'];
  clock?: SupabaseAuthOptions['clock'];
  log?: boolean;
}

export interface Sandbox extends AsyncDisposable {
  app: FastifyInstance;
  /** Where clients reach it, once it listens. */
  readonly url: string;
  /** Where the S3 endpoint is, once it listens; undefined when there is none. */
  readonly s3_url: string | undefined;
  /** Where the mail server is, once it listens; undefined when there is none. */
  readonly smtp_url: string | undefined;
  anon_key: string;
  service_role_key: string;
  /** Binds the port (0: any free one) and returns the URL. */
  listen(): Promise<string>;
  close(): Promise<void>;
}

const BODY_LIMIT = 1_048_576;

/** Any page may call a stand-in. */
function openCors(app: FastifyInstance): void {
  app.addHook('onRequest', (request, reply, done) => {
    void reply.headers({
      'access-control-allow-origin': '*',
      'access-control-expose-headers': 'x-total-count, link, x-supabase-api-version, x-sb-error-code',
    });
    if (request.method !== 'OPTIONS') {
      done();
      return;
    }
    void reply
      .headers({
        'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE, OPTIONS',
        'access-control-allow-headers': request.headers['access-control-request-headers'] ?? '*',
        'access-control-max-age': '600',
      })
      .code(204)
      .send();
  });
}

/** The stand-ins for the outside systems, in one service. Not listening yet. */
export async function buildSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const { anon_key = 'sandbox-anon-key', service_role_key = 'sandbox-service-role-key' } = options;
  const { host = '127.0.0.1', port = 0, demo_password } = options;
  const app = Fastify({
    logger: options.log ?? false,
    bodyLimit: BODY_LIMIT,
    forceCloseConnections: true,
    ...INPUT_CHECKS,
  });
  const publicUrl = (): string => {
    if (options.public_url) return options.public_url;
    const address = app.server.address() as AddressInfo | null;
    if (!address) throw new Error('The sandbox has a URL once it listens');
    return `http://${host === '0.0.0.0' ? '127.0.0.1' : host}:${String(address.port)}`;
  };

  openCors(app);
  // supabase-js names JSON as the type of requests that have no body.
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, body === '' ? undefined : JSON.parse(body as string));
    } catch (error) {
      done(Object.assign(error as Error, { statusCode: 400 }));
    }
  });
  app.get('/health', () => ({ status: 'ok', service: 'sandbox' }));

  const auth = await registerSupabaseAuth(app, { ...options, anon_key, service_role_key, public_url: publicUrl });
  if (demo_password) for (const user of DEMO_USERS) await auth.ensureDemoUser(user, demo_password);
  registerConsole(app, {
    api_url: options.api_url ?? 'http://127.0.0.1:4000',
    realtime_url: options.realtime_url ?? 'ws://127.0.0.1:4001',
    anon_key,
    demo_password: demo_password ?? null,
  });

  const s3 = options.s3_port === undefined ? undefined : await openS3(options);
  if (s3) listStoredObjects(app, s3.store);
  let s3_url: string | undefined;

  const mails = await openMailStore(options.data_dir);
  registerInbox(app, mails);
  const smtp = options.smtp_port === undefined ? undefined : createMailServer(mails);
  let smtp_url: string | undefined;

  registerWebhooks(app);
  registerGemini(app, { api_key: options.gemini_api_key });
  const whatsapp = registerWhatsApp(app, { ...options, host });

  const close = async (): Promise<void> => {
    await app.close();
    await whatsapp.close();
    await s3?.close();
    await smtp?.close();
  };
  return {
    app,
    get url() {
      return publicUrl();
    },
    get s3_url() {
      return s3_url;
    },
    get smtp_url() {
      return smtp_url;
    },
    anon_key,
    service_role_key,
    async listen() {
      s3_url = await s3?.listen(options.s3_port ?? 0, host);
      smtp_url = await smtp?.listen(options.smtp_port ?? 0, host);
      await whatsapp.listen();
      // Last, because `/health` says for all of them that they are there.
      await app.listen({ host, port });
      return publicUrl();
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function openS3(options: SandboxOptions): Promise<S3Server> {
  const {
    s3_bucket = 'potentia',
    s3_region = 'us-east-1',
    s3_access_key_id = 'sandbox',
    s3_secret_access_key = 'sandbox-secret',
  } = options;
  return createS3Server({
    credentials: { access_key_id: s3_access_key_id, secret_access_key: s3_secret_access_key, region: s3_region },
    data_dir: options.data_dir,
    buckets: [s3_bucket],
    clock: options.clock,
  });
}
