import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { startRedis, type TestRedis } from '@potentia/db/testing/redis';
import { startTestIssuer, type TestIssuer } from '../../auth/testing/issuer.ts';

/** What the replicas of a service stand on, of a test file's own. */
export interface Backends extends AsyncDisposable {
  database: TestDatabase;
  redis: TestRedis;
  issuer: TestIssuer;
}

export async function startBackends(): Promise<Backends> {
  const [database, redis, issuer] = await Promise.all([createTestDatabase(), startRedis(), startTestIssuer()]);
  return {
    database,
    redis,
    issuer,
    async [Symbol.asyncDispose]() {
      await Promise.all([database.drop(), redis.stop(), issuer[Symbol.asyncDispose]()]);
    },
  };
}
