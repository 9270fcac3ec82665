import type { Finding } from '../../agent/model.ts';
import { OF_OTHERS, RELATIONS } from './finding-patterns-others.ts';
import { AKU, attributeOf, type FactPattern, MAX_WORDS } from './finding-words.ts';

/** Nobody's taste: `I like it`, `I love how you did that`, `I hate when it rains`. */
const NO_OBJECT =
  /^(?:it|that|this|these|those|them|him|her|you|your|yours|how|when|what|where|who|why|if|the\s+(?:way|idea|sound|look)|one|both|neither|to\s+(?:know|ask|say|thank|book|order|see|hear|be|have)|itu|ini|dia|mereka|kamu|kalau|cara|bagaimana|idenya|yang)\b/iu;

const user = (attribute: string): Pick<Finding, 'subject' | 'attribute'> => ({ subject: 'user', attribute });
const always =
  (attribute: string): FactPattern['read'] =>
  () =>
    user(attribute);

const taste: FactPattern['read'] = ({ what = '' }) => {
  if (NO_OBJECT.test(what.trim())) return null;
  const about = attributeOf(
    what.replace(
      /\s+(?:anymore|any\s+more|lagi|a\s+lot|very\s+much|because|karena|but|tapi|more\s+than|better\s+than|than|over|rather\s+than|daripada)\b.*$/iu,
      '',
    ),
  );
  return about === null ? null : user(`about ${about}`.split(' ').slice(0, MAX_WORDS).join(' '));
};

const prefixed =
  (prefix: string): FactPattern['read'] =>
  ({ what = '' }) => {
    const about = attributeOf(what.replace(/\s+(?:anymore|any\s+more|lagi|because|karena|since)\b.*$/iu, ''));
    return about === null ? null : user(`${prefix} ${about}`.split(' ').slice(0, MAX_WORDS).join(' '));
  };

/** What nobody is for long, or what is said of a thing at hand. */
const NO_ATTRIBUTE =
  /^(?:question|point|problem|issue|guess|bad|fault|mistake|turn|answer|idea|plan|goal\s+today|understanding|concern|only|first|last|next|new|life|day|week|morning|head|phone|laptop|computer|internet|pertanyaan|masalah|salah|ide|giliran)\b/iu;

const SOMEBODY = new RegExp(`^(?:${RELATIONS})$`, 'iu');

const own: FactPattern['read'] = ({ attribute = '', value = '' }) => {
  const plain = attribute.trim();
  if (
    NO_ATTRIBUTE.test(plain) ||
    /^(?:going|not\s+going|killing|about\s+to|getting|being|broken|lagi|sedang)\b/iu.test(value)
  )
    return null;
  // Somebody's state of today is no fact of anybody.
  if (plain.split(/\s+/u).length > 4 || SOMEBODY.test(plain)) return null;
  const about = attributeOf(plain);
  return about === null ? null : user(about);
};

const NEG = "(?:do\\s+not|don['’]?t|dont|can['’]?t|cannot|can\\s+not|never)";
const BUKAN = '(?:tidak|nggak|ngga|enggak|gak|ga|tak|tdk)';

/** The first that fits counts: what is said of others before what is said of oneself. */
export const FACTS: readonly FactPattern[] = [
  ...OF_OTHERS,

  // Names.
  {
    re: /^(?:please\s+)?call\s+me\s+(?!back|later|when|at|on|tomorrow|today|tonight|in\b|if|asap|now|an?\b|every|before|after)(?<what>\p{L}[\p{L}\s.'’-]{0,40})$/iu,
    kind: 'preference',
    read: always('form of address'),
  },
  {
    re: new RegExp(
      `^(?:tolong\\s+)?panggil\\s+(?:${AKU}|saja\\s+${AKU})\\s+(?<what>\\p{L}[\\p{L}\\s.'’-]{0,40})$`,
      'iu',
    ),
    kind: 'preference',
    read: always('form of address'),
  },
  { re: /^my\s+name\s+is\s+(?<what>\p{L}.{0,60})$/iu, kind: 'fact', read: always('name') },
  {
    re: new RegExp(`^(?:nama\\s+${AKU}|namaku)\\s+(?:adalah\\s+|itu\\s+)?(?<what>\\p{L}.{0,60})$`, 'iu'),
    kind: 'fact',
    read: always('name'),
  },

  // Rules.
  {
    re: /^(?:from\s+now\s+on|from\s+today(?:\s+on)?|in\s+future|in\s+the\s+future|going\s+forward)[\s,:]+(?<what>.{4,})$/iu,
    kind: 'rule',
    read: () => ({ subject: 'user', attribute: null }),
  },
  {
    re: /^(?:please\s+)?(?:always|never)\s+(?!mind\b|ever\b|again\b|been\b|a\b|the\b|knew\b|thought\b|had\b|have\b|was\b|is\b)(?<what>\p{L}+\s.{2,})$/iu,
    kind: 'rule',
    read: () => ({ subject: 'user', attribute: null }),
  },
  {
    re: /^(?:mulai\s+(?:sekarang|hari\s+ini|besok)|ke\s+depannya|seterusnya)[\s,:]+(?<what>.{4,})$/iu,
    kind: 'rule',
    read: () => ({ subject: 'user', attribute: null }),
  },
  {
    re: /^(?:tolong\s+)?(?:selalu|jangan\s+pernah)\s+(?<what>\p{L}+\s?.{2,})$/iu,
    kind: 'rule',
    read: () => ({ subject: 'user', attribute: null }),
  },

  // Health and food.
  {
    re: /^i(?:['’]m|\s+am)\s+(?:not\s+)?(?:severely\s+|very\s+|highly\s+|deathly\s+|mildly\s+)?(?:allergic|intolerant)\s+to\s+(?<what>.+)$/iu,
    kind: 'fact',
    read: prefixed('allergy'),
  },
  {
    re: /^i(?:['’]ve|\s+have)\s+(?:an?\s+)?(?<what>[\p{L}-]+)\s+(?:allergy|intolerance)$/iu,
    kind: 'fact',
    read: prefixed('allergy'),
  },
  {
    re: new RegExp(
      `^${AKU}\\s+(?:${BUKAN}\\s+)?(?:punya\\s+)?alergi\\s+(?:terhadap\\s+|sama\\s+|dengan\\s+)?(?<what>.+)$`,
      'iu',
    ),
    kind: 'fact',
    read: prefixed('allergy'),
  },
  { re: new RegExp(`^i\\s+${NEG}\\s+(?:eat|drink)\\s+(?<what>.+)$`, 'iu'), kind: 'preference', read: taste },
  {
    re: new RegExp(`^${AKU}\\s+${BUKAN}\\s+(?:bisa\\s+|boleh\\s+|pernah\\s+)?(?:makan|minum)\\s+(?<what>.+)$`, 'iu'),
    kind: 'preference',
    read: taste,
  },
  {
    re: /^i(?:['’]m|\s+am)\s+(?:an?\s+)?(?:strict\s+)?(?:vegan|vegetarian|pescatarian|gluten[\s-]free|lactose[\s-]intolerant|halal|kosher)\b.*$/iu,
    kind: 'fact',
    read: always('diet'),
  },
  { re: new RegExp(`^${AKU}\\s+(?:seorang\\s+)?(?:vegan|vegetarian)\\b.*$`, 'iu'), kind: 'fact', read: always('diet') },

  // Tastes.
  {
    re: /^i(?:\s+(?:really|much|generally|usually|always|strongly))?\s+prefer\s+(?<what>.+)$/iu,
    kind: 'preference',
    read: taste,
  },
  {
    re: new RegExp(
      `^i(?:\\s+(?:really|absolutely|also|just|totally|generally))*\\s+(?:${NEG}\\s+(?:really\\s+)?)?(?:like|love|enjoy|hate|dislike|adore|can['’]?t\\s+stand|detest)\\s+(?<what>.+)$`,
      'iu',
    ),
    kind: 'preference',
    read: taste,
  },
  { re: new RegExp(`^i\\s+can['’]?t\\s+stand\\s+(?<what>.+)$`, 'iu'), kind: 'preference', read: taste },
  {
    re: new RegExp(
      `^${AKU}\\s+(?:(?:sangat|juga|paling|lebih|${BUKAN}|kurang)\\s+)*(?:suka|senang|cinta|benci|menyukai|membenci|memilih|doyan|gemar)\\s+(?:sama\\s+|dengan\\s+)?(?<what>.+)$`,
      'iu',
    ),
    kind: 'preference',
    read: taste,
  },

  // Where, what, how old.
  {
    re: /^i(?:['’]m|\s+am)?\s+(?:currently\s+|now\s+|still\s+)*(?:live|living|based)\s+(?:in|at|near)\s+(?<what>.+)$/iu,
    kind: 'fact',
    read: always('home'),
  },
  {
    re: /^i(?:['’]ve|\s+have)?\s+(?:just\s+|recently\s+)?moved\s+to\s+(?<what>.+)$/iu,
    kind: 'fact',
    read: always('home'),
  },
  {
    re: new RegExp(
      `^${AKU}\\s+(?:sekarang\\s+|masih\\s+|sudah\\s+|baru\\s+|baru\\s+saja\\s+)*(?:tinggal|pindah|menetap)\\s+(?:di|ke)\\s+(?<what>.+)$`,
      'iu',
    ),
    kind: 'fact',
    read: always('home'),
  },
  {
    re: /^i(?:['’]m|\s+am)?\s+(?:currently\s+|now\s+|still\s+)*(?:work|working)\s+(?:at|for|as|in)\s+(?!progress|it\b)(?<what>.+)$/iu,
    kind: 'fact',
    read: always('work'),
  },
  {
    re: new RegExp(`^${AKU}\\s+(?:sekarang\\s+|masih\\s+)?(?:be)?kerja\\s+(?:di|sebagai|untuk)\\s+(?<what>.+)$`, 'iu'),
    kind: 'fact',
    read: always('work'),
  },
  { re: /^i(?:['’]m|\s+am)\s+(?:originally\s+)?from\s+(?<what>\p{Lu}.+)$/u, kind: 'fact', read: always('origin') },
  { re: /^I(?:['’]m|\s+am)\s+(?:originally\s+)?from\s+(?<what>\p{Lu}.+)$/u, kind: 'fact', read: always('origin') },
  { re: new RegExp(`^${AKU}\\s+(?:berasal\\s+dari|asli)\\s+(?<what>.+)$`, 'iu'), kind: 'fact', read: always('origin') },
  {
    re: /^i(?:['’]m|\s+am)\s+(?:turning\s+\d{1,3}|\d{1,3}(?:\s+years\s+old)?)\b.*$/iu,
    kind: 'fact',
    read: always('age'),
  },
  {
    re: new RegExp(`^(?:umur(?:ku|\\s+${AKU})|${AKU}\\s+ber(?:umur|usia))\\s+\\d{1,3}.*$`, 'iu'),
    kind: 'fact',
    read: always('age'),
  },
  { re: /^i\s+was\s+born\s+(?:on|in)\s+(?<what>.+)$/iu, kind: 'fact', read: always('birth') },
  {
    re: new RegExp(`^${AKU}\\s+lahir\\s+(?:di|pada|tanggal|tahun)\\s+(?<what>.+)$`, 'iu'),
    kind: 'fact',
    read: always('birth'),
  },
  {
    re: /^i(?:['’]m|\s+am)\s+(?:an?\s+)(?<what>(?:[\p{L}-]+\s+){0,2}(?:engineer|developer|designer|teacher|nurse|doctor|lawyer|student|manager|writer|accountant|architect|scientist|researcher|consultant|chef|artist|musician|freelancer|founder|analyst|dentist|pilot|photographer))\b.*$/iu,
    kind: 'fact',
    read: always('occupation'),
  },
  {
    re: new RegExp(
      `^(?:ulang\\s+tahun(?:ku|\\s+${AKU}))\\s+(?:adalah\\s+|itu\\s+|pada\\s+|tanggal\\s+)*(?<what>.+)$`,
      'iu',
    ),
    kind: 'fact',
    read: always('birthday'),
  },

  // My X is Y.
  {
    re: /^my\s+(?<attribute>(?:favou?rite\s+)?[\p{L}][\p{L}\s'’-]{1,40}?)\s+(?:is|are)\s+(?<value>(?!not\s+sure).+)$/iu,
    kind: 'fact',
    read: own,
  },
  {
    re: /^(?<attribute>[\p{L}]{3,}(?:\s+[\p{L}]+){0,2}\s+(?:favorit|kesukaan))(?:ku|\s+(?:saya|aku))\s+(?:adalah\s+|itu\s+)?(?<value>.+)$/iu,
    kind: 'fact',
    read: own,
  },
  {
    re: new RegExp(
      `^(?<attribute>hobi|alamat|nomor(?:\\s+(?:hp|telepon))?|golongan\\s+darah|zodiak|agama|pekerjaan)(?:ku|\\s+${AKU})\\s+(?:adalah\\s+|itu\\s+)?(?<value>.+)$`,
      'iu',
    ),
    kind: 'fact',
    read: own,
  },
];
