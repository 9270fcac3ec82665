import { bootstrap } from '@potentia/db/bootstrap';
import { migrate } from '@potentia/db/migrate';
import { data_dirs } from './backing.ts';
import { Problem } from './problem.ts';
import type { Secrets } from './secrets.ts';

const DATABASE = 'potentia';

/** Potentia's database, by who logs in. */
export interface DatabaseUrls {
  superuser: string;
  app_user: string;
  job_user: string;
  wa_user: string;
}

/** Makes the roles, the database and its extensions, and brings the schema up to date. */
export async function prepareDatabase(superuser_url: string, secrets: Secrets): Promise<DatabaseUrls> {
  const passwords = {
    app_user: secrets.app_user_password,
    job_user: secrets.job_user_password,
    wa_user: secrets.wa_user_password,
    potentia_migrator: secrets.potentia_migrator_password,
  };
  const login = (role: keyof typeof passwords) =>
    databaseUrl(superuser_url, { username: role, password: passwords[role] });
  try {
    await bootstrap(superuser_url, { database: DATABASE, passwords });
    await migrate(login('potentia_migrator'));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Problem(
      `The database cannot be brought up to date: ${reason}\n` +
        `If nothing in it matters, drop the database "${DATABASE}", or remove the data (${data_dirs.join(' or ')}).`,
    );
  }
  return {
    superuser: databaseUrl(superuser_url, {}),
    app_user: login('app_user'),
    job_user: login('job_user'),
    wa_user: login('wa_user'),
  };
}

function databaseUrl(superuser_url: string, login: { username?: string; password?: string }): string {
  return Object.assign(new URL(superuser_url), login, { pathname: `/${DATABASE}` }).href;
}
