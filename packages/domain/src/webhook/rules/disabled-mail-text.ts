import { type MailLocale, type MailText, shownName } from '../../platform/rules/mail-text.ts';

export interface DisabledMailFacts {
  workspace_name: string;
  /** Of the endpoint, without its query. */
  endpoint: string;
  reason: 'gone' | 'failing' | 'creator_left';
  /** Where it can be enabled again. */
  url: string;
}

type Words = Pick<MailText, 'subject' | 'paragraphs' | 'link_hint' | 'footer'> & { label: string };

/** The mail that tells an admin of a webhook that was disabled. */
export function disabledMailText(facts: DisabledMailFacts, locale: MailLocale): MailText {
  const { label, ...words } = locale === 'id' ? indonesian(facts) : english(facts);
  return { locale, ...words, button: { label, url: facts.url } };
}

function english({ workspace_name, endpoint, reason }: DisabledMailFacts): Words {
  const place = shownName(workspace_name) || 'untitled';
  const why = {
    gone: 'It answered 410 Gone, which asks us to send nothing more.',
    failing: 'It has not taken a message for so long that all attempts are used up.',
    creator_left: 'Whoever made it is no admin of the workspace any more. Enable it again if it is still yours.',
  }[reason];
  return {
    subject: `A webhook of “${place}” on Potentia was disabled`,
    paragraphs: [
      'Hello,',
      `A webhook of the workspace “${place}” was disabled: ${endpoint}`,
      why,
      'What it did not take stays in its log for 30 days: enable it once it works again, and redeliver from there.',
    ],
    label: 'See the webhook',
    link_hint: 'If the button does not work, open this link:',
    footer: 'You get this mail because you are an admin of the workspace.',
  };
}

function indonesian({ workspace_name, endpoint, reason }: DisabledMailFacts): Words {
  const place = shownName(workspace_name) || 'tanpa judul';
  const why = {
    gone: 'Alamat itu menjawab 410 Gone, yang meminta kami tidak mengirim apa pun lagi.',
    failing: 'Alamat itu sudah lama tidak menerima pesan sehingga semua percobaan habis.',
    creator_left: 'Pembuatnya bukan admin ruang kerja lagi. Aktifkan lagi jika masih milik Anda.',
  }[reason];
  return {
    subject: `Webhook “${place}” di Potentia dinonaktifkan`,
    paragraphs: [
      'Halo,',
      `Sebuah webhook ruang kerja “${place}” dinonaktifkan: ${endpoint}`,
      why,
      'Yang tidak diterima tetap ada di lognya selama 30 hari: aktifkan lagi setelah berfungsi, lalu kirim ulang dari sana.',
    ],
    label: 'Lihat webhook',
    link_hint: 'Jika tombol tidak berfungsi, buka tautan ini:',
    footer: 'Anda menerima surel ini karena Anda admin ruang kerja tersebut.',
  };
}
