import { AKU, attributeOf, type FactPattern } from './finding-words.ts';

/** Who somebody is to the person. */
export const RELATIONS =
  'wife|husband|partner|spouse|girlfriend|boyfriend|fianc[eé]e?|mother|mom|mum|father|dad|parents?|sister|brother|sibling|son|daughter|child|kid|kids|children|baby|aunt|uncle|cousin|niece|nephew|grandmother|grandma|grandfather|grandpa|friend|best\\s+friend|boss|manager|colleague|coworker|roommate|flatmate|neighbou?r|landlord|teacher|doctor|dentist|dog|cat|pet|team|company';
export const RELASI =
  'istri|suami|pacar|tunangan|ibu|mama|ayah|bapak|papa|orang\\s+tua|adik|kakak|anak|paman|bibi|tante|sepupu|keponakan|nenek|kakek|teman|sahabat|bos|atasan|rekan\\s+kerja|tetangga|guru|dokter|anjing|kucing|bayi';

/** A name behind who somebody is: `my sister Dewi`. */
const NAMED =
  "(?:\\s+(?<name>(?!(?:is|are|was|has|had|lives?|moved|works?|likes?|loves?|hates?|prefers?|no|not|never|always|also|still|just|now|only|used|currently|tinggal|pindah|kerja|bekerja|bernama|nama|namanya|alergi|suka|benci|tidak|nggak|gak|ga|masih|sudah|baru|sekarang|sedang|lagi|juga|saya|aku|gue|yang)\\b)\\p{L}[\\p{L}'’-]{1,30}))?";

/** Of somebody else: what of them, or what they are. */
const other: FactPattern['read'] = ({ who = '', attribute }) => {
  const subject = who.toLowerCase().replace(/\s+/gu, ' ').trim();
  const about = attribute === undefined ? 'what they are' : attributeOf(attribute);
  return about === null ? null : { subject, attribute: about };
};
/** By their name, where who they are stands in another form before it: `adikku Dewi`. */
const namedHas =
  (attribute: string): FactPattern['read'] =>
  ({ who = '', name = who }) => ({ subject: name.toLowerCase().replace(/\s+/gu, ' ').trim(), attribute });
const otherHas =
  (attribute: string): FactPattern['read'] =>
  ({ who = '', name = '' }) => ({ subject: `${who} ${name}`.toLowerCase().replace(/\s+/gu, ' ').trim(), attribute });

/** What is said of somebody else. */
export const OF_OTHERS: readonly FactPattern[] = [
  {
    re: new RegExp(
      `^(?:my|our)\\s+(?<who>${RELATIONS})['’]s\\s+(?<attribute>[\\p{L}][\\p{L}\\s-]{1,40}?)\\s+(?:is|are)\\s+(?<value>.+)$`,
      'iu',
    ),
    kind: 'fact',
    read: other,
  },
  {
    re: new RegExp(
      `^(?:my|our)\\s+(?<who>${RELATIONS})${NAMED}\\s+(?:lives?|moved|is\\s+living)\\s+(?:in|to|at|near)\\s+.+$`,
      'iu',
    ),
    kind: 'fact',
    read: otherHas('home'),
  },
  {
    re: new RegExp(`^(?:my|our)\\s+(?<who>${RELATIONS})${NAMED}\\s+works?\\s+(?:at|for|as|in)\\s+.+$`, 'iu'),
    kind: 'fact',
    read: otherHas('work'),
  },
  {
    re: new RegExp(
      `^(?:my|our)\\s+(?<who>${RELATIONS})(?:['’]s\\s+name\\s+is|\\s+is\\s+(?:called|named))\\s+.+$`,
      'iu',
    ),
    kind: 'fact',
    read: otherHas('name'),
  },
  {
    re: new RegExp(`^(?:my|our)\\s+(?<who>${RELATIONS})${NAMED}\\s+is\\s+allergic\\s+to\\s+.+$`, 'iu'),
    kind: 'fact',
    read: otherHas('allergies'),
  },
  {
    re: new RegExp(`^(?:my|our)\\s+(?<who>${RELATIONS})${NAMED}\\s+(?:likes?|loves?|hates?|prefers?)\\s+.+$`, 'iu'),
    kind: 'fact',
    read: otherHas('taste'),
  },
  {
    re: new RegExp(`^(?:my|our)\\s+(?<who>${RELATIONS})\\s+(?:is|are)\\s+(?:an?\\s+|the\\s+)(?<value>.+)$`, 'iu'),
    kind: 'fact',
    read: other,
  },
  {
    re: new RegExp(
      `^(?:[Mm]y|[Oo]ur)\\s+(?<who>${RELATIONS})\\s+(?:is|are)\\s+(?<value>\\p{Lu}[\\p{L}'’-]+(?:\\s+\\p{Lu}[\\p{L}'’-]+)?)$`,
      'u',
    ),
    kind: 'fact',
    read: otherHas('name'),
  },
  {
    re: new RegExp(
      `^(?<attribute>ulang\\s+tahun|nama|umur|usia|alamat|pekerjaan|nomor)\\s+(?<who>${RELASI})(?:ku|\\s+${AKU})\\s+(?:adalah\\s+|itu\\s+|tanggal\\s+)?(?<value>.+)$`,
      'iu',
    ),
    kind: 'fact',
    read: other,
  },
  {
    re: new RegExp(`^(?<who>${RELASI})(?:ku|\\s+${AKU})${NAMED}\\s+(?:tinggal|pindah)\\s+(?:di|ke)\\s+.+$`, 'iu'),
    kind: 'fact',
    read: namedHas('home'),
  },
  {
    re: new RegExp(`^(?<who>${RELASI})(?:ku|\\s+${AKU})${NAMED}\\s+(?:be)?kerja\\s+(?:di|sebagai)\\s+.+$`, 'iu'),
    kind: 'fact',
    read: namedHas('work'),
  },
  {
    re: new RegExp(`^(?<who>${RELASI})(?:ku|\\s+${AKU})\\s+(?:ber)?nama(?:nya)?\\s+.+$`, 'iu'),
    kind: 'fact',
    read: otherHas('name'),
  },
  {
    re: new RegExp(`^(?<who>${RELASI})(?:ku|\\s+${AKU})${NAMED}\\s+alergi\\s+.+$`, 'iu'),
    kind: 'fact',
    read: namedHas('allergies'),
  },
  {
    re: new RegExp(`^(?<who>${RELASI})(?:ku|\\s+${AKU})${NAMED}\\s+(?:suka|benci|tidak\\s+suka)\\s+.+$`, 'iu'),
    kind: 'fact',
    read: namedHas('taste'),
  },
];
