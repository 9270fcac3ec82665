import { loadEnv } from '@potentia/config/env';
import { z } from 'zod';

const postgresUrl = (description: string) =>
  z
    .url({ protocol: /^postgres(ql)?$/, error: 'must be a postgres:// URL' })
    .meta({ description, secret: true, example: 'postgres://user:password@db.example.com/postgres' });
const password = (role: string) =>
  z
    .string()
    .min(8, 'must have 8 characters or more')
    .meta({ description: `Password that ${role} is given`, secret: true });

/** What `node packages/db/src/bootstrap.ts` reads. */
export const bootstrapSchema = z.object({
  POSTGRES_SUPERUSER_URL: postgresUrl('A role that may create roles with BYPASSRLS, and databases'),
  POSTGRES_DATABASE: z.string().default('potentia').meta({ description: 'The database to make' }),
  APP_USER_PASSWORD: password('app_user (api, realtime)'),
  JOB_USER_PASSWORD: password('job_user (jobs)'),
  WA_USER_PASSWORD: password('wa_user (wa-worker)'),
  POTENTIA_MIGRATOR_PASSWORD: password('potentia_migrator (migrations)'),
});

/** What `node packages/db/src/migrate.ts` reads. */
export const migrateSchema = z.object({
  POSTGRES_OWNER_URL: postgresUrl('The database, as potentia_migrator'),
});

export const readBootstrapConfig = () => loadEnv('bootstrap', bootstrapSchema);
export const readMigrateConfig = () => loadEnv('migrate', migrateSchema);
