import { z } from 'zod';
import { bool, commaList, httpUrl, jsonList, milliseconds, wholeNumber } from './values.ts';

/*
 * The variables that services share, in groups. A service spreads the groups it needs into its own schema:
 *   export const schema = z.object({ ...httpVariables(4000), ...postgresVariables, … });
 * Every variable carries its description, from which `.env.example` and the table of a failed start are made.
 */

const isOrigin = (text: string): boolean => URL.canParse(text) && new URL(text).origin === text;
const isRedisUrl = (text: string): boolean => URL.canParse(text) && /^rediss?:$/.test(new URL(text).protocol);

/** Listening, logging and stopping; every service has them. */
export const httpVariables = (default_port: number) => ({
  NODE_ENV: z
    .enum(['development', 'production', 'test'], 'must be development, production or test')
    .default('production')
    .meta({ description: 'development, production or test' }),
  HOST: z.string().default('127.0.0.1').meta({ description: 'Address to listen on; 0.0.0.0 in a container' }),
  PORT: wholeNumber(0, 65_535).default(default_port).meta({ description: 'Port to listen on; 0 takes a free one' }),
  PUBLIC_URL: httpUrl.optional().meta({
    description: 'How clients reach this service, when it stands behind a proxy',
    example: 'https://api.example.com',
  }),
  CORS_ORIGINS: commaList
    .refine((origins) => origins.every(isOrigin), 'must be origins such as https://app.example.com, comma-separated')
    .default([])
    .meta({ description: 'Browser origins that may call, comma-separated; none when empty' }),
  TRUST_PROXY: wholeNumber(0, 16)
    .default(0)
    .meta({ description: 'Number of proxies in front whose X-Forwarded-For counts' }),
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], 'must be a pino level')
    .default('info')
    .meta({ description: 'trace, debug, info, warn, error, fatal or silent' }),
  SHUTDOWN_TIMEOUT_MS: milliseconds
    .default(10_000)
    .meta({ description: 'How long a stopping service may drain before it is ended' }),
});

/** `TRUST_PROXY` as Fastify's `trustProxy` wants it: that many hops, and none when there is none. */
export const trustProxy = ({ TRUST_PROXY }: { TRUST_PROXY: number }) =>
  TRUST_PROXY > 0 && ((_address: string, hop: number): boolean => hop < TRUST_PROXY);

export const postgresVariables = {
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/, error: 'must be a postgres:// URL' }).meta({
    description: 'Postgres, as the login role of this service',
    secret: true,
    example: 'postgres://app_user:…@127.0.0.1:25432/potentia',
  }),
  DATABASE_POOL_SIZE: wholeNumber(1, 1000).default(10).meta({ description: 'Connections of this process' }),
  DATABASE_TIMEOUT_MS: milliseconds.default(800).meta({ description: 'Deadline of one call to Postgres' }),
  DATABASE_PREPARE: bool
    .default(true)
    .meta({ description: 'Prepared statements; false behind a PgBouncer older than 1.21' }),
};

/** The same as the settings of `createDb`. */
export const postgresSettings = (env: {
  DATABASE_URL: string;
  DATABASE_POOL_SIZE: number;
  DATABASE_TIMEOUT_MS: number;
  DATABASE_PREPARE: boolean;
}) => ({
  url: env.DATABASE_URL,
  pool_size: env.DATABASE_POOL_SIZE,
  timeout_ms: env.DATABASE_TIMEOUT_MS,
  prepare: env.DATABASE_PREPARE,
});

export const redisVariables = {
  REDIS_URL: commaList
    .refine((urls) => urls.length > 0 && urls.every(isRedisUrl), 'must be redis:// or rediss:// URLs, comma-separated')
    .transform((urls) => urls.join(','))
    .meta({
      description: 'Redis; several comma-separated URLs are the nodes of a cluster',
      secret: true,
      example: 'redis://127.0.0.1:26379',
    }),
  REDIS_TIMEOUT_MS: milliseconds.default(50).meta({ description: 'Deadline of one call to Redis' }),
};

/** One HS256 secret; with `kid` it verifies only tokens that name it. */
const jwtSecret = z.strictObject({ kid: z.string().min(1).exactOptional(), secret: z.string() });
type JwtSecret = z.infer<typeof jwtSecret>;

const jwtSecretList = commaList.transform((items): JwtSecret[] =>
  items.map((item) => {
    const colon = item.indexOf(':');
    return colon > 0 ? { kid: item.slice(0, colon), secret: item.slice(colon + 1) } : { secret: item };
  }),
);

/** In JSON where it begins like it: there a secret may hold commas and colons. */
const jwtSecrets = z.string().transform((text, ctx): JwtSecret[] => {
  const schema = text.trimStart().startsWith('[') ? jsonList(jwtSecret) : jwtSecretList;
  const parsed = schema.safeParse(text);
  if (parsed.success) return parsed.data;
  ctx.addIssue('must be JSON such as [{"kid":"…","secret":"…"}]');
  return z.NEVER;
});

/** `kid:key`, the key being 32 bytes in base64. */
const encryptionKeys = commaList.transform((items, ctx) => {
  const keys = items.map((item) => {
    const [kid = '', key = ''] = item.split(':');
    return { kid, key: new Uint8Array(Buffer.from(key, 'base64')) };
  });
  const [first, ...others] = keys;
  const sound = keys.every(({ kid, key }) => /^[\w-]{1,32}$/.test(kid) && key.length === 32);
  if (first && sound) return [first, ...others] as const;
  ctx.addIssue('must be `kid:key` items, each key 32 bytes in base64');
  return z.NEVER;
});

/** What it takes to seal and open secrets that must be read again. */
export const encryptionVariables = {
  ENCRYPTION_KEYS: encryptionKeys.meta({
    description:
      'AES-256 keys, comma-separated, each `kid:key` with the key in base64 (`openssl rand -base64 32`); the first seals, all open',
    secret: true,
  }),
};

/** What it takes to verify a person's token. */
export const tokenVariables = {
  SUPABASE_URL: httpUrl.meta({ description: 'Base URL of the Supabase project', example: 'http://127.0.0.1:4010' }),
  SUPABASE_JWT_SECRETS: jwtSecrets
    .refine((secrets) => secrets.every(({ secret }) => secret.length >= 32), 'each secret needs 32 characters or more')
    .optional()
    .meta({
      description:
        'HS256 secrets, comma-separated, each `secret` or `kid:secret`, or in JSON as [{"kid":"…","secret":"…"}]; all are valid at once. None: JWKS only',
      secret: true,
    }),
  SUPABASE_JWT_ISSUER: z
    .string()
    .optional()
    .meta({ description: 'Expected `iss`; <SUPABASE_URL>/auth/v1 when not set' }),
  SUPABASE_JWT_AUDIENCE: z.string().default('authenticated').meta({ description: 'Expected `aud`' }),
};

/** The same as the settings of `createTokenVerifier`. */
export const tokenSettings = (env: {
  SUPABASE_URL: string;
  SUPABASE_JWT_SECRETS?: JwtSecret[] | undefined;
  SUPABASE_JWT_ISSUER?: string | undefined;
  SUPABASE_JWT_AUDIENCE: string;
}) => ({
  supabase_url: env.SUPABASE_URL,
  issuer: env.SUPABASE_JWT_ISSUER ?? `${env.SUPABASE_URL}/auth/v1`,
  audience: env.SUPABASE_JWT_AUDIENCE,
  secrets: env.SUPABASE_JWT_SECRETS ?? [],
});

/** What it takes to verify tokens and to call Supabase Auth. */
export const authVariables = {
  ...tokenVariables,
  SUPABASE_ANON_KEY: z.string().meta({ description: 'Publishable (anon) key of the Supabase project', secret: true }),
  SUPABASE_SERVICE_ROLE_KEY: z.string().meta({
    description: 'Secret (service role) key of the Supabase project',
    secret: true,
    aliases: ['SUPABASE_SERVICE_KEY'],
  }),
};

export const telemetryVariables = {
  OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl.optional().meta({
    description: 'OTLP/HTTP collector; no traces are made when not set',
    example: 'http://127.0.0.1:4318',
  }),
};

/** What stands at the doors that anyone can reach. */
export const doorVariables = {
  IP_RATE_LIMIT: wholeNumber(1, 1_000_000)
    .default(200)
    .meta({ description: 'Requests per second and IP address before the token is looked at' }),
};

const ruleNumber = (name: string, max: number) => {
  const error = `${name} must be a whole number from 1 to ${max}`;
  return z.int(error).min(1, error).max(max, error);
};

/** What every rule of a rate limit says; a service adds what else its rules choose by. */
export const rateLimit = {
  tenant: z.string().optional(),
  limit: ruleNumber('limit', 1_000_000_000),
  /** At most a day. */
  window_ms: ruleNumber('window_ms', 86_400_000),
  /** How many may come at once; `limit` when absent. */
  burst: ruleNumber('burst', 1_000_000_000).optional(),
};
