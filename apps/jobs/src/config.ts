import { loadEnv } from '@potentia/config/env';
import { httpVariables, postgresVariables, redisVariables, telemetryVariables } from '@potentia/config/variables';
import { z } from 'zod';

export const schema = z.object({
  ...httpVariables(4002),
  ...postgresVariables,
  ...redisVariables,
  ...telemetryVariables,
});

export type JobsConfig = z.output<typeof schema>;

/** Reads the environment once; exits 1 with a table of every variable at fault. */
export const readConfig = (): JobsConfig => loadEnv('jobs', schema);
