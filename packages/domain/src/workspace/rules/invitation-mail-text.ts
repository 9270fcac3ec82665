import { type MailLocale, type MailText, shownName } from '../../platform/rules/mail-text.ts';

/** What the mail of an invitation tells. */
export interface InvitationMailFacts {
  kind: 'workspace' | 'canvas';
  workspace_name: string;
  canvas_title: string | null;
  inviter_name: string;
  role: string;
  /** ISO 8601. */
  expires_at: string;
  /** Where the invitation can be answered. */
  url: string;
}

type Words = Pick<MailText, 'subject' | 'paragraphs' | 'link_hint' | 'footer'> & { label: string };

/** The mail of an invitation in the language of whoever gets it. */
export function invitationMailText(facts: InvitationMailFacts, locale: MailLocale): MailText {
  const { label, ...words } = locale === 'id' ? indonesian(facts) : english(facts);
  return { locale, ...words, button: { label, url: facts.url } };
}

const ENGLISH_ROLES: Record<string, string> = {
  admin: 'an admin',
  member: 'a member',
  guest: 'a guest',
  editor: 'an editor',
  commenter: 'a commenter',
  viewer: 'a viewer',
};

function english(facts: InvitationMailFacts): Words {
  const who = shownName(facts.inviter_name) || 'Someone';
  const place = placeOf(facts, 'untitled');
  const where = facts.kind === 'workspace' ? `the workspace “${place}”` : `the canvas “${place}”`;
  const role = ENGLISH_ROLES[facts.role] ?? facts.role;
  return {
    subject: `${who} invited you to “${place}” on Potentia`,
    paragraphs: [
      'Hello,',
      `${who} invited you to ${where} on Potentia, as ${role}.`,
      `The invitation is for this address only and can be answered until ${deadline(facts.expires_at, 'en-GB')}.`,
    ],
    label: 'See the invitation',
    link_hint: 'If the button does not work, open this link:',
    footer: 'If you do not know who invited you, ignore this mail: without your answer nothing happens.',
  };
}

const INDONESIAN_ROLES: Record<string, string> = {
  admin: 'admin',
  member: 'anggota',
  guest: 'tamu',
  editor: 'penyunting',
  commenter: 'komentator',
  viewer: 'pembaca',
};

function indonesian(facts: InvitationMailFacts): Words {
  const who = shownName(facts.inviter_name) || 'Seseorang';
  const place = placeOf(facts, 'tanpa judul');
  const where = facts.kind === 'workspace' ? `ruang kerja “${place}”` : `kanvas “${place}”`;
  const role = INDONESIAN_ROLES[facts.role] ?? facts.role;
  return {
    subject: `${who} mengundang Anda ke “${place}” di Potentia`,
    paragraphs: [
      'Halo,',
      `${who} mengundang Anda ke ${where} di Potentia sebagai ${role}.`,
      `Undangan ini hanya untuk alamat ini dan dapat dijawab sampai ${deadline(facts.expires_at, 'id-ID')}.`,
    ],
    label: 'Lihat undangan',
    link_hint: 'Jika tombol tidak berfungsi, buka tautan ini:',
    footer: 'Jika Anda tidak mengenal pengundang, abaikan surel ini: tanpa jawaban Anda tidak terjadi apa-apa.',
  };
}

const placeOf = ({ kind, workspace_name, canvas_title }: InvitationMailFacts, untitled: string): string =>
  shownName(kind === 'workspace' ? workspace_name : (canvas_title ?? '')) || untitled;

/** Nobody knows the zone of a stranger. */
const deadline = (at: string, language: string): string =>
  `${new Intl.DateTimeFormat(language, { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' }).format(new Date(at))} UTC`;
