/** The sandbox's environment. It shares no code with the services, so it reads its own. */
export interface SandboxConfig {
  host: string;
  port: number;
  /** The mail server; there is none without its port. */
  smtp_port?: number;
  /** The S3 endpoint; there is none without its port. */
  s3_port?: number;
  s3_bucket?: string;
  s3_region?: string;
  s3_access_key_id?: string;
  s3_secret_access_key?: string;
  /** WhatsApp and where its media are; there is none without both ports. */
  whatsapp_port?: number;
  whatsapp_media_port?: number;
  /** The key that the Gemini endpoint takes; `sandbox` when not set. */
  gemini_api_key?: string;
  /** Where clients reach the sandbox; default: where it listens. */
  public_url?: string;
  data_dir?: string;
  anon_key: string;
  service_role_key: string;
  jwt_secret?: string;
  access_token_ttl_s: number;
  /** Password of the two demo users, who exist when it is set. */
  demo_password?: string;
  /** What the console talks to. */
  api_url: string;
  realtime_url: string;
}

type Source = Record<string, string | undefined>;

/** Reads the environment. Throws an `Error` that names every variable at fault. */
export function readConfig(source: Source = process.env): SandboxConfig {
  const problems: string[] = [];
  const text = (name: string): string | undefined => source[name]?.trim() || undefined;

  function required(name: string): string {
    const value = text(name);
    if (!value) problems.push(`${name} is required`);
    return value ?? '';
  }
  function integer(name: string, fallback: number, max: number): number {
    const value = Number(text(name) ?? fallback);
    if (!Number.isInteger(value) || value < 0 || value > max)
      problems.push(`${name} must be a number up to ${String(max)}`);
    return value;
  }
  function url(name: string): string | undefined {
    const value = text(name);
    if (value && !URL.canParse(value)) problems.push(`${name} must be a URL`);
    return value?.replace(/\/+$/, '');
  }

  const config: SandboxConfig = {
    host: text('HOST') ?? '127.0.0.1',
    port: integer('PORT', 4010, 65_535),
    smtp_port: integer('SMTP_PORT', 4011, 65_535),
    s3_port: integer('S3_PORT', 4012, 65_535),
    whatsapp_port: integer('WHATSAPP_PORT', 4013, 65_535),
    whatsapp_media_port: integer('WHATSAPP_MEDIA_PORT', 4014, 65_535),
    s3_bucket: text('S3_BUCKET'),
    s3_region: text('S3_REGION'),
    s3_access_key_id: text('S3_ACCESS_KEY_ID'),
    s3_secret_access_key: text('S3_SECRET_ACCESS_KEY'),
    gemini_api_key: text('GEMINI_API_KEY'),
    public_url: url('PUBLIC_URL'),
    data_dir: text('SANDBOX_DATA_DIR'),
    anon_key: required('SUPABASE_ANON_KEY'),
    service_role_key: required('SUPABASE_SERVICE_ROLE_KEY'),
    jwt_secret: text('SUPABASE_JWT_SECRET'),
    access_token_ttl_s: integer('SANDBOX_ACCESS_TOKEN_TTL_S', 3600, 604_800),
    demo_password: text('SANDBOX_DEMO_PASSWORD'),
    api_url: url('API_URL') ?? 'http://127.0.0.1:4000',
    realtime_url: url('REALTIME_URL')?.replace(/^http/, 'ws') ?? 'ws://127.0.0.1:4001',
  };
  if (problems.length > 0)
    throw new Error(`The sandbox cannot start:\n${problems.map((line) => `  ${line}`).join('\n')}`);
  return config;
}
