import {
  encryptionVariables,
  httpVariables,
  postgresVariables,
  redisVariables,
  telemetryVariables,
} from '@potentia/config/variables';
import { z } from 'zod';

export const schema = z.object({
  ...httpVariables(4002),
  ...postgresVariables,
  ...redisVariables,
  ...encryptionVariables,
  ...telemetryVariables,
});

export type JobsConfig = z.output<typeof schema>;
