import { loadEnv } from '@potentia/config/env';
import {
  apiVariables,
  authVariables,
  httpVariables,
  postgresVariables,
  redisVariables,
  telemetryVariables,
} from '@potentia/config/variables';
import { z } from 'zod';

export const schema = z.object({
  ...httpVariables(4000),
  ...postgresVariables,
  ...redisVariables,
  ...authVariables,
  ...telemetryVariables,
  ...apiVariables,
});

export type ApiConfig = z.output<typeof schema>;

/** Reads the environment once; exits 1 with a table of every variable at fault. */
export const readConfig = (): ApiConfig => loadEnv('api', schema);
