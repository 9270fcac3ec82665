import { loadEnv } from '@potentia/config/env';
import { httpVariables, postgresVariables, redisVariables, telemetryVariables } from '@potentia/config/variables';
import { z } from 'zod';

export const schema = z.object({
  ...httpVariables(4003),
  ...postgresVariables,
  ...redisVariables,
  ...telemetryVariables,
});

export type WaWorkerConfig = z.output<typeof schema>;

/** Reads the environment once; exits 1 with a table of every variable at fault. */
export const readConfig = (): WaWorkerConfig => loadEnv('wa-worker', schema);
