/** The languages that mails are written in. */
export type MailLocale = 'en' | 'id';

/** One mail before it has its two forms. Plain text in every field: nothing is read as HTML. */
export interface MailText {
  locale: MailLocale;
  subject: string;
  /** Above the button, in this order. */
  paragraphs: string[];
  /** Null: there is nothing to open. */
  button: { label: string; url: string } | null;
  /** What stands where a mail reader does not show the button. */
  link_hint: string;
  footer: string;
}

/** The forms in which a mail is sent. */
export interface PrintedMail {
  subject: string;
  text: string;
  html: string;
}

const MAX_NAME = 80;

/**
 * A name that somebody chose, fit for a mail to a stranger: one line, no invisible characters that turn text around, not
 * long, and no link, because an invitation must not carry the text of somebody else's advertisement.
 */
export function shownName(name: string): string {
  const line = name
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .replaceAll(/:\/\/|\bwww\./giu, ' ')
    .trim();
  const letters = Array.from(new Intl.Segmenter().segment(line), ({ segment }) => segment);
  return letters.length > MAX_NAME ? `${letters.slice(0, MAX_NAME - 1).join('')}…` : line;
}

/** Text inside HTML, attributes included. */
export const escapeHtml = (text: string): string =>
  text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

/** Both forms of a mail. The HTML has its styles inline and loads nothing. */
export function printMail(text: MailText): PrintedMail {
  const { subject, paragraphs, button, link_hint, footer } = text;
  const link = button ? [`${button.label}:\n${button.url}`] : [];
  const plain = [...paragraphs, ...link, `-- \n${footer}`].join('\n\n');
  return { subject: subject.replaceAll(/\s+/g, ' '), text: `${plain}\n`, html: printHtml(text, link_hint) };
}

function printHtml({ locale, subject, paragraphs, button, footer }: MailText, link_hint: string): string {
  const body = paragraphs.map((paragraph) => `<p style="margin:0 0 16px">${escapeHtml(paragraph)}</p>`).join('\n');
  return `<!doctype html>
<html lang="${locale}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(subject)}</title></head>
<body style="margin:0;padding:24px;background:#f4f4f1;color:#1c1c1a;font:16px/1.5 system-ui,sans-serif">
<div style="max-width:520px;margin:0 auto;padding:32px;background:#ffffff;border-radius:8px">
${body}
${printButton(button, link_hint)}<p style="margin:0;font-size:13px;color:#5c5c57">${escapeHtml(footer)}</p>
</div>
</body>
</html>
`;
}

function printButton(button: MailText['button'], link_hint: string): string {
  if (!button) return '';
  const url = escapeHtml(button.url);
  return `<p style="margin:24px 0"><a href="${url}" style="display:inline-block;padding:12px 20px;background:#1f5f4a;color:#ffffff;border-radius:6px;text-decoration:none">${escapeHtml(button.label)}</a></p>
<p style="margin:0 0 16px;font-size:13px;color:#5c5c57">${escapeHtml(link_hint)}<br><a href="${url}" style="color:#1f5f4a;word-break:break-all">${url}</a></p>
`;
}
