import { z } from 'zod';
import { id, timestamp } from '../platform/schemas.ts';

const session = z.strictObject({
  id,
  phone: z.string().nullable().describe('Its number, to write to'),
  name: z.string(),
});

export const createLinkBody = z
  .strictObject({
    session_id: id
      .optional()
      .describe('Without it: the one that is there for everybody, else your only connected session'),
  })
  .meta({ id: 'CreateWhatsappLink' });

export const createLinkInput = createLinkBody.extend({
  /** The session to which anybody may link; null: there is none. */
  open_session_id: id.nullable(),
});

export const linkCode = z
  .strictObject({
    code: z.string().describe('Counts once, and only until it expires'),
    expires_at: timestamp,
    session,
    text: z.string().describe('What to write to the session from the phone that is to be linked'),
    url: z.string().describe('Opens WhatsApp with that text'),
  })
  .meta({ id: 'WhatsappLinkCode' });
export type LinkCode = z.infer<typeof linkCode>;

export const whatsappLink = z
  .strictObject({
    id,
    session,
    phone: z.string().nullable().describe('The linked number, as far as WhatsApp tells it'),
    lid: z.string().nullable(),
    created_at: timestamp,
  })
  .meta({ id: 'WhatsappLink' });

export const linkList = z.strictObject({ items: z.array(whatsappLink) }).meta({ id: 'WhatsappLinkList' });
export type LinkList = z.infer<typeof linkList>;

export const linkRef = z.strictObject({ link_id: id });
