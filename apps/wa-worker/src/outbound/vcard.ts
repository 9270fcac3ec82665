export interface SharedContact {
  name: string;
  /** E.164 digits. */
  phones: string[];
  organization?: string | undefined;
}

/** A person as phones exchange them (vCard 3.0), with the numbers by which WhatsApp finds them. */
export function toVcard({ name, phones, organization }: SharedContact): string {
  const lines = [
    'BEGIN:VCARD',
    'VERSION:3.0',
    `N:;${escape(name)};;;`,
    `FN:${escape(name)}`,
    ...(organization ? [`ORG:${escape(organization)};`] : []),
    ...phones.map((phone) => `TEL;type=CELL;type=VOICE;waid=${phone}:+${phone}`),
    'END:VCARD',
  ];
  return lines.join('\n');
}

/** What would else end a line, a field, or a part of one. */
const escape = (text: string): string => text.replace(/[\\,;]/g, '\\$&').replace(/\r\n?|\n/g, '\\n');
