import type { FastifyInstance } from 'fastify';
import type { ApiKeys, AuthDeps } from './deps.ts';
import { sendAuthError } from './errors.ts';
import { openSigningKeys } from './keys.ts';
import { hashPassword } from './passwords.ts';
import { checkApiKey } from './requests.ts';
import { createSessions } from './sessions.ts';
import { openAuthStore } from './store.ts';
import { registerAdminRoutes } from './admin-routes.ts';
import { registerUserRoutes } from './user-routes.ts';
import { addUser } from './users.ts';

export interface SupabaseAuthOptions extends ApiKeys {
  data_dir?: string;
  /** Where clients reach the sandbox; known once it listens. */
  public_url: () => string;
  /** Signs HS256 with it until the keys are rotated. */
  jwt_secret?: string;
  access_token_ttl_s?: number;
  reuse_interval_ms?: number;
  clock?: () => Date;
}

export interface DemoUser {
  id: string;
  email: string;
  name: string;
}

export interface SupabaseAuth {
  /** Makes sure that the person exists and signs in with `password`. */
  ensureDemoUser(user: DemoUser, password: string): Promise<void>;
}

const PROVIDERS = ['apple', 'azure', 'github', 'google', 'phone', 'anonymous_users'];

/**
 * Supabase Auth (GoTrue) on its real wire under `/auth/v1`, for supabase-js and for services that verify its tokens.
 * Sign-ups are confirmed at once (GoTrue's `mailer_autoconfirm`) and a changed email address takes effect at once, for
 * there is no mail. Its own `POST /sandbox/auth/rotate-keys` makes a new signing key.
 */
export async function registerSupabaseAuth(app: FastifyInstance, options: SupabaseAuthOptions): Promise<SupabaseAuth> {
  const { data_dir, jwt_secret, public_url, anon_key, service_role_key } = options;
  const [store, keys] = await Promise.all([openAuthStore(data_dir), openSigningKeys(data_dir, jwt_secret)]);
  const sessions = createSessions({
    store,
    keys,
    issuer: () => `${public_url()}/auth/v1`,
    clock: options.clock ?? (() => new Date()),
    access_token_ttl_s: options.access_token_ttl_s ?? 3600,
    reuse_interval_ms: options.reuse_interval_ms ?? 10_000,
  });
  const deps: AuthDeps = { store, keys, sessions, api_keys: { anon_key, service_role_key } };

  void app.register(
    (scope, _options, done) => {
      scope.setErrorHandler(sendAuthError);
      scope.get('/.well-known/jwks.json', (_request, reply) =>
        reply.header('cache-control', 'public, max-age=600').send({ keys: keys.jwks() }),
      );
      void scope.register((guarded, _guarded_options, guarded_done) => {
        guarded.addHook('onRequest', (request, _reply, next) => {
          checkApiKey(request, deps.api_keys);
          next();
        });
        guarded.get('/health', () => ({
          version: 'sandbox',
          name: 'GoTrue',
          description: 'A stand-in for Supabase Auth',
        }));
        guarded.get('/settings', () => ({
          external: { ...Object.fromEntries(PROVIDERS.map((provider) => [provider, false])), email: true },
          disable_signup: false,
          mailer_autoconfirm: true,
          phone_autoconfirm: false,
          sms_provider: '',
          saml_enabled: false,
        }));
        registerUserRoutes(guarded, deps);
        void guarded.register((admin, _admin_options, admin_done) => {
          registerAdminRoutes(admin, deps);
          admin_done();
        });
        guarded_done();
      });
      done();
    },
    { prefix: '/auth/v1' },
  );

  app.post('/sandbox/auth/rotate-keys', async () => ({ kid: await keys.rotate(), keys: keys.jwks().length }));

  return {
    async ensureDemoUser({ id, email, name }, password) {
      const known = store.findUserByEmail(email);
      const password_hash = await hashPassword(password);
      if (known) known.password_hash = password_hash;
      else addUser(store, { id, email, password_hash, confirmed: true, user_metadata: { full_name: name } });
      await store.save();
    },
  };
}
