/** What the routes of the phones take, as JSON schemas; what does not fit is refused with the name of the field. */

type Schema = Record<string, unknown>;

const NUMBER = { type: 'string', pattern: '^\\+?[0-9][0-9 ()-]{4,24}$' };
const GROUP_ID = { type: 'string', pattern: '^[0-9-]+@g\\.us$' };
/** A number, or the id of a group. */
const CHAT = { type: 'string', pattern: `${NUMBER.pattern}|${GROUP_ID.pattern}` };
const ID = { type: 'string', minLength: 1, maxLength: 128 };
const LINE = { type: 'string', minLength: 1, maxLength: 300 };
const TEXT = { type: 'string', minLength: 1, maxLength: 65_536 };
const CAPTION = { type: 'string', maxLength: 4_096 };
const FLAG = { type: 'boolean' };

function exactly(properties: Record<string, Schema>, required: string[] = []): Schema {
  return { type: 'object', additionalProperties: false, required, properties };
}

export const phoneBody = exactly({ number: NUMBER, name: LINE, is_business: FLAG });
export const scanBody = exactly({ qr: { type: 'string', pattern: '^[^,]+(,[^,]+){3,}$' } }, ['qr']);
export const pairingCodeBody = exactly({ code: { type: 'string', pattern: '^([0-9A-Za-z][ -]*){8}$' } }, ['code']);
export const settingsBody = exactly({
  is_online: FLAG,
  auto_delivery: FLAG,
  auto_read: FLAG,
  auto_retry: FLAG,
  supports_lid: FLAG,
});

const LATITUDE = { type: 'number', minimum: -90, maximum: 90 };
const LONGITUDE = { type: 'number', minimum: -180, maximum: 180 };
const CONTACT = { name: LINE, phone: NUMBER, vcard: TEXT };
const OPTIONS = { type: 'array', minItems: 2, maxItems: 12, items: LINE };

function content(kinds: string[], properties: Record<string, Schema>, required: string[] = []): Schema {
  return exactly({ kind: { enum: kinds }, ...properties }, ['kind', ...required]);
}

const BY_KIND = [
  content(['text'], { text: TEXT }, ['text']),
  content(['image', 'video', 'audio', 'voice', 'document', 'sticker'], {
    bytes: { type: 'string', minLength: 4, pattern: '^[A-Za-z0-9+/]+={0,2}$' },
    mime_type: { type: 'string', pattern: '^[a-z]+/[\\w.+-]+(; ?[\\w=-]+)*$' },
    caption: CAPTION,
    file_name: LINE,
    seconds: { type: 'integer', minimum: 0 },
    is_view_once: FLAG,
  }),
  content(['location'], { latitude: LATITUDE, longitude: LONGITUDE, name: CAPTION, address: CAPTION }, [
    'latitude',
    'longitude',
  ]),
  content(['live_location'], { latitude: LATITUDE, longitude: LONGITUDE, caption: CAPTION }, ['latitude', 'longitude']),
  content(['contact'], CONTACT, ['name']),
  content(['contacts'], { contacts: { type: 'array', minItems: 1, maxItems: 20, items: exactly(CONTACT, ['name']) } }, [
    'contacts',
  ]),
  content(['poll'], { question: LINE, options: OPTIONS, selectable: { type: 'integer', minimum: 0, maximum: 12 } }, [
    'question',
    'options',
  ]),
  content(['poll_vote'], { id: ID, options: { type: 'array', maxItems: 12, items: LINE } }, ['id', 'options']),
  content(['reaction'], { id: ID, emoji: { type: 'string', maxLength: 16 } }, ['id', 'emoji']),
  content(['edit'], { id: ID, text: TEXT }, ['id', 'text']),
  content(['delete'], { id: ID }, ['id']),
];

export const messageBody = exactly(
  {
    to: CHAT,
    content: {
      type: 'object',
      required: ['kind'],
      discriminator: { propertyName: 'kind' },
      oneOf: BY_KIND,
    },
    id: { type: 'string', pattern: '^[0-9A-Z]{4,64}$' },
    quoted: ID,
    addressing: { enum: ['pn', 'lid'] },
  },
  ['to', 'content'],
);

export const messagesQuery = {
  type: 'object',
  additionalProperties: false,
  properties: {
    chat: CHAT,
    after: ID,
    wait_ms: { type: 'integer', minimum: 0, maximum: 30_000, default: 0 },
    limit: { type: 'integer', minimum: 1, maximum: 1_000, default: 100 },
  },
};

export const readBody = exactly({ chat: CHAT, ids: { type: 'array', minItems: 1, items: ID } }, ['chat']);
export const typingBody = exactly({ to: CHAT, state: { enum: ['composing', 'recording', 'paused'] } }, ['to', 'state']);

const MEMBERS = { type: 'array', maxItems: 256, items: NUMBER };
export const groupBody = exactly({ subject: LINE, members: MEMBERS }, ['subject', 'members']);
export const subjectBody = exactly({ subject: LINE }, ['subject']);
export const memberBody = exactly({ is_admin: FLAG });

const CODES = [515, 440, 401, 403, 405, 408, 411, 428, 429, 500, 503];
const TARGET = { type: 'string', pattern: '^[0-9]{5,20}(:[0-9]+)?$' };
/** `true`: until further notice. */
const UNTIL_OFF = { type: ['boolean', 'integer'], minimum: 0, maximum: 1_000_000 };
const TIMES = { type: 'integer', minimum: 0, maximum: 1_000_000 };

function fault(names: string[], properties: Record<string, Schema>, required: string[] = []): Schema {
  return exactly({ fault: { enum: names }, target: TARGET, ...properties }, ['fault', 'target', ...required]);
}

const DELAY_MS = { type: 'integer', minimum: 0, maximum: 600_000 };
const WHEN = { enum: ['now', 'next_login'] };

export const faultBody = {
  type: 'object',
  required: ['fault'],
  discriminator: { propertyName: 'fault' },
  oneOf: [
    fault(['close'], { code: { enum: [...CODES, 'silent', 'tcp'] }, when: WHEN, after_messages: TIMES }, ['code']),
    fault(['ack_error'], { code: { type: 'string', pattern: '^[0-9]{3}$' }, times: TIMES, to: CHAT }, ['code']),
    fault(['drop_acks', 'refuse_usync', 'refuse_keys'], { times: UNTIL_OFF }),
    fault(['drop_after_receive', 'duplicate_next', 'corrupt_next', 'withhold_next', 'corrupt_sent'], { times: TIMES }),
    fault(['hold_receipts', 'never_end_offline'], { is_on: FLAG }),
    fault(['slow'], { delay_ms: DELAY_MS }, ['delay_ms']),
    fault(['low_pre_keys'], { left: TIMES }),
    fault(['empty_pre_keys', 'forget_offline'], {}),
    exactly({ fault: { enum: ['media'] }, status: { type: ['integer', 'null'], minimum: 400, maximum: 599 } }, [
      'fault',
      'status',
    ]),
  ],
};
