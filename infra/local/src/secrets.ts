import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { local_dir } from './paths.ts';

const NAMES = [
  ...([
    'app_user_password',
    'job_user_password',
    'wa_user_password',
    'potentia_migrator_password',
    'container_password',
  ] as const),
  ...(['supabase_anon_key', 'supabase_service_role_key'] as const),
  'encryption_key',
  's3_secret_access_key',
  ...(['service_jwt_secret', 'worker_webhook_secret'] as const),
] as const;

export type Secrets = Record<(typeof NAMES)[number], string>;

/** The secrets of this checkout: made at its first start, kept in `.local/secrets.json`, readable by its owner alone. */
export async function ensureSecrets(): Promise<Secrets> {
  const file = path.join(local_dir, 'secrets.json');
  const known = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Partial<Secrets>) : {};
  const made = Object.fromEntries(NAMES.map((name) => [name, randomBytes(32).toString('hex')]));
  const secrets = { ...made, ...known } as Secrets;
  await mkdir(local_dir, { recursive: true });
  await writeFile(file, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600 });
  return secrets;
}
