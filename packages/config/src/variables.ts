import { isIP } from 'node:net';
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

/** Object storage: any S3 API. */
export const objectVariables = {
  S3_ENDPOINT: httpUrl.meta({
    description: 'S3 endpoint, as the services reach it',
    example: 'http://127.0.0.1:4012',
  }),
  S3_PUBLIC_ENDPOINT: httpUrl.optional().meta({
    description: 'S3 endpoint as clients reach it, for signed addresses; S3_ENDPOINT when not set',
    example: 'https://files.example.com',
  }),
  S3_REGION: z.string().default('us-east-1').meta({ description: 'S3 region' }),
  S3_BUCKET: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'must be a bucket name')
    .meta({ description: 'S3 bucket, which must be there and must not be public', example: 'potentia' }),
  S3_ACCESS_KEY_ID: z.string().meta({ description: 'S3 access key' }),
  S3_SECRET_ACCESS_KEY: z.string().meta({ description: 'S3 secret key', secret: true }),
  S3_FORCE_PATH_STYLE: bool
    .default(true)
    .meta({ description: 'Bucket in the path; false where it must be in the host name' }),
};

/** The same as the settings of `createS3Objects`. */
export const objectSettings = (env: {
  S3_ENDPOINT: string;
  S3_PUBLIC_ENDPOINT?: string | undefined;
  S3_REGION: string;
  S3_BUCKET: string;
  S3_ACCESS_KEY_ID: string;
  S3_SECRET_ACCESS_KEY: string;
  S3_FORCE_PATH_STYLE: boolean;
}) => ({
  endpoint: env.S3_ENDPOINT,
  public_endpoint: env.S3_PUBLIC_ENDPOINT ?? env.S3_ENDPOINT,
  region: env.S3_REGION,
  bucket: env.S3_BUCKET,
  access_key_id: env.S3_ACCESS_KEY_ID,
  secret_access_key: env.S3_SECRET_ACCESS_KEY,
  force_path_style: env.S3_FORCE_PATH_STYLE,
});

/** What files may be, wherever they come from. */
export const fileVariables = {
  ATTACHMENT_MAX_BYTES: wholeNumber(1, 5_000_000_000)
    .default(52_428_800)
    .meta({ description: 'Largest file of a canvas, in bytes' }),
  ATTACHMENT_TYPES: commaList
    .refine((types) => types.every((type) => /^[\w.+-]+\/[\w.+-]*\*?$/.test(type)), 'must be media types')
    .default([
      ...['image/png', 'image/jpeg', 'image/gif', 'image/webp', 'image/avif', 'image/heic'],
      ...['audio/*', 'video/*', 'font/*', 'text/plain', 'text/csv', 'text/markdown', 'text/calendar'],
      ...['application/pdf', 'application/json', 'application/zip', 'application/gzip', 'application/rtf'],
      ...['application/msword', 'application/vnd.ms-excel', 'application/vnd.ms-powerpoint'],
      'application/vnd.openxmlformats-officedocument.*',
      'application/vnd.oasis.opendocument.*',
    ])
    .meta({ description: 'Media types that a file may have, comma-separated, `*` at the end for what follows' }),
  ATTACHMENT_QUOTA_BYTES: wholeNumber(1, Number.MAX_SAFE_INTEGER)
    .optional()
    .meta({ description: 'What the files of one workspace may take, in bytes; no limit when not set' }),
  TRANSFER_MAX_BYTES: wholeNumber(1, 5_000_000_000)
    .default(1_073_741_824)
    .meta({ description: 'Largest zip that a workspace is imported from, in bytes' }),
};

/** The same as verbs take them. */
export const fileLimits = (env: {
  ATTACHMENT_MAX_BYTES: number;
  ATTACHMENT_TYPES: string[];
  ATTACHMENT_QUOTA_BYTES?: number | undefined;
  TRANSFER_MAX_BYTES: number;
}) => ({
  attachment_max_bytes: env.ATTACHMENT_MAX_BYTES,
  attachment_types: env.ATTACHMENT_TYPES,
  attachment_quota_bytes: env.ATTACHMENT_QUOTA_BYTES ?? null,
  transfer_max_bytes: env.TRANSFER_MAX_BYTES,
});

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

const isNetwork = (text: string): boolean => {
  const [, address = '', bits = ''] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? [];
  const family = isIP(address);
  return family !== 0 && Number(bits) <= (family === 4 ? 32 : 128);
};

/** Where the webhooks of customers may lead. */
export const webhookVariables = {
  WEBHOOK_ALLOWED_NETWORKS: commaList
    .refine((networks) => networks.every(isNetwork), 'must be networks such as 10.1.0.0/16, comma-separated')
    .default([])
    .meta({
      description: 'Networks beside the public internet that webhooks may reach, comma-separated, such as 127.0.0.0/8',
    }),
  WEBHOOK_ALLOW_HTTP: bool
    .optional()
    .meta({ description: 'Webhooks over plain http; on, except in production, when not set' }),
};

/** The same as the settings of `createTargetGuard`. */
export const webhookSettings = (env: {
  NODE_ENV: string;
  WEBHOOK_ALLOWED_NETWORKS: string[];
  WEBHOOK_ALLOW_HTTP?: boolean | undefined;
}) => ({
  allowed_networks: env.WEBHOOK_ALLOWED_NETWORKS,
  allow_http: env.WEBHOOK_ALLOW_HTTP ?? env.NODE_ENV !== 'production',
});
