import { z } from 'zod';
import { id } from '../platform/schemas.ts';
import { name } from '../workspace/schemas.ts';
import { locale, timeZone } from '../workspace/settings-schemas.ts';

export const me = z
  .strictObject({
    user_id: id,
    email: z.string().nullable(),
    name: z.string().describe('Empty until a token or you give one'),
    locale: locale.nullable().describe('Null until you choose one; mails are then in the language of their workspace'),
    time_zone: z.string(),
    personal_workspace_id: id,
  })
  .meta({ id: 'Me' });
export type Me = z.infer<typeof me>;

export const updateMeBody = z
  .strictObject({ name, locale, time_zone: timeZone })
  .partial()
  .refine((body) => Object.keys(body).length > 0, 'Give name, locale or time_zone')
  .meta({ id: 'UpdateMe' });
