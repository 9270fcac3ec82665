import { aptInstall, brewInstall, findProgram, packageManager } from './machine.ts';

/** Installs PgBouncer where it can be; the tests that go through it are skipped where it cannot. */
export async function ensurePgbouncer(): Promise<void> {
  if (findProgram('pgbouncer')) return;
  const manager = await packageManager();
  if (manager === 'apt') await aptInstall(['pgbouncer']);
  if (manager === 'brew') await brewInstall(['pgbouncer']);
}
