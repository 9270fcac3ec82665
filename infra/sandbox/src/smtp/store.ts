import { openJsonFile, type JsonFile } from '../json-file.ts';

export interface StoredMail {
  id: string;
  /** Whom the envelope named, lower-case. */
  to: string[];
  from: string;
  subject: string;
  message_id: string | null;
  text: string;
  html: string | null;
  /** What calendar programs read of it; null: nothing. */
  calendar?: { method: string; content: string } | null;
  received_at: string;
}

/** The last mails, newest first. */
export interface MailStore {
  list(to?: string): StoredMail[];
  find(id: string): StoredMail | undefined;
  add(mail: StoredMail): Promise<void>;
  /** Forgets those to one address, or all. */
  clear(to?: string): Promise<void>;
  remove(id: string): Promise<boolean>;
}

/** More than anybody scrolls through; the oldest go. */
const MAX_MAILS = 500;

export async function openMailStore(data_dir: string | undefined): Promise<MailStore> {
  const file: JsonFile<{ mails: StoredMail[] }> = await openJsonFile(data_dir, 'inbox.json', { mails: [] });
  const keep = (mails: StoredMail[]): Promise<void> => {
    file.value.mails = mails;
    return file.save();
  };
  const isTo = (mail: StoredMail, to: string): boolean => mail.to.includes(to.toLowerCase());
  return {
    list: (to) => file.value.mails.filter((mail) => to === undefined || isTo(mail, to)),
    find: (id) => file.value.mails.find((mail) => mail.id === id),
    add: (mail) => keep([mail, ...file.value.mails].slice(0, MAX_MAILS)),
    clear: (to) => keep(to === undefined ? [] : file.value.mails.filter((mail) => !isTo(mail, to))),
    async remove(id) {
      const left = file.value.mails.filter((mail) => mail.id !== id);
      const found = left.length < file.value.mails.length;
      if (found) await keep(left);
      return found;
    },
  };
}
