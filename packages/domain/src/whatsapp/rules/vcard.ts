export interface SharedContact {
  name: string;
  /** Digits, without +. */
  phones: string[];
  organization?: string;
}

const MAX_PHONES = 10;

/** What of a business card (RFC 6350, as phones write it) the gateway keeps. `name` is that beside the card, which has its own. */
export function readVcard(name: string, vcard: string): SharedContact {
  const lines = vcard.replace(/\r?\n[ \t]/g, '').split(/\r?\n/);
  const phones = new Set<string>();
  let organization: string | undefined;
  let full_name = '';
  for (const line of lines) {
    const colon = line.indexOf(':');
    const [property = '', ...parameters] = line.slice(0, colon).split(';');
    const value = line.slice(colon + 1);
    // Apple's cards have `item1.TEL`.
    const kind = property.slice(property.lastIndexOf('.') + 1).toUpperCase();
    if (kind === 'FN') full_name = unescape(value);
    if (kind === 'ORG') organization = unescape(value.split(/(?<!\\);/)[0] ?? '').slice(0, 200);
    if (kind !== 'TEL') continue;
    const waid = parameters.find((parameter) => parameter.toLowerCase().startsWith('waid='));
    const digits = (waid?.slice(5) ?? value).replace(/\D/g, '');
    if (digits.length >= 5 && digits.length <= 20) phones.add(digits);
  }
  return {
    name: (name || full_name).slice(0, 200),
    phones: [...phones].slice(0, MAX_PHONES),
    ...(organization && { organization }),
  };
}

const unescape = (text: string): string => text.replace(/\\n/gi, ' ').replace(/\\(.)/g, '$1').trim();
