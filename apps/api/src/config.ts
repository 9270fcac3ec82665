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
