import { httpVariables, postgresVariables, redisVariables, telemetryVariables } from '@potentia/config/variables';
import { z } from 'zod';

export const schema = z.object({
  ...httpVariables(4003),
  ...postgresVariables,
  ...redisVariables,
  ...telemetryVariables,
});

export type WaWorkerConfig = z.output<typeof schema>;
