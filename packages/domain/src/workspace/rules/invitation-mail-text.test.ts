import { describe, expect, it } from 'vitest';
import { printMail } from '../../platform/rules/mail-text.ts';
import { invitationMailText, type InvitationMailFacts } from './invitation-mail-text.ts';

const facts: InvitationMailFacts = {
  kind: 'workspace',
  workspace_name: 'Kebun Raya',
  canvas_title: null,
  inviter_name: 'Ada',
  role: 'member',
  expires_at: '2026-03-05T08:30:00Z',
  url: 'https://app.example.com/invitations#token=abc&to=canvas',
};
const print = (locale: 'en' | 'id', overrides: Partial<InvitationMailFacts> = {}) =>
  printMail(invitationMailText({ ...facts, ...overrides }, locale));

describe('the mail of an invitation', () => {
  it('says in English who invites to what, as what and until when', () => {
    const { subject, text, html } = print('en');
    expect(subject).toBe('Ada invited you to “Kebun Raya” on Potentia');
    for (const form of [text, html]) {
      expect(form).toContain('Ada invited you to the workspace “Kebun Raya” on Potentia, as a member.');
      expect(form).toMatch(/until 5 March 2026 at 08:30 UTC/);
    }
    expect(html).toContain('<html lang="en">');
  });

  it('says the same in Indonesian', () => {
    const { subject, text, html } = print('id');
    expect(subject).toBe('Ada mengundang Anda ke “Kebun Raya” di Potentia');
    for (const form of [text, html]) {
      expect(form).toContain('Ada mengundang Anda ke ruang kerja “Kebun Raya” di Potentia sebagai anggota.');
      expect(form).toMatch(/sampai 5 Maret 2026 pukul 08.30 UTC/);
    }
    expect(html).toContain('<html lang="id">');
  });

  it('of a canvas names the canvas, in both languages', () => {
    const canvas = { kind: 'canvas', canvas_title: 'Plan', role: 'viewer' } as const;
    expect(print('en', canvas).text).toContain('the canvas “Plan” on Potentia, as a viewer');
    expect(print('id', canvas).text).toContain('kanvas “Plan” di Potentia sebagai pembaca');
    expect(print('en', { ...canvas, canvas_title: '' }).subject).toContain('“untitled”');
    expect(print('id', { ...canvas, canvas_title: '' }).subject).toContain('“tanpa judul”');
  });

  it('has a word for every role, and one for an inviter without a name', () => {
    for (const role of ['admin', 'member', 'guest', 'editor', 'commenter', 'viewer']) {
      expect(print('en', { role }).text).toMatch(/as an? \w+\./);
    }
    expect(print('en', { inviter_name: '' }).subject).toMatch(/^Someone invited/);
    expect(print('id', { inviter_name: '  ' }).subject).toMatch(/^Seseorang mengundang/);
  });

  it.each(['en', 'id'] as const)(
    'in HTML (%s) shows names as text, whatever they hold, and loads nothing',
    (locale) => {
      const hostile = `<img src=x onerror=alert(1)> "quoted" & 'so' </p>`;
      const { html, text } = print(locale, { workspace_name: hostile, inviter_name: '<script>alert(1)</script>' });
      expect(html).not.toMatch(/<(img|script|link|iframe|style)\b/i);
      expect(html).toContain('&#60;img src=x onerror=alert(1)&#62; &#34;quoted&#34; &#38; &#39;so&#39; &#60;/p&#62;');
      expect(html.match(/https?:\/\/[^"&<]+/g)?.every((url) => url.startsWith('https://app.example.com'))).toBe(true);
      expect(html).toContain('href="https://app.example.com/invitations#token=abc&#38;to=canvas"');
      expect(text).toContain('https://app.example.com/invitations#token=abc&to=canvas');
    },
  );

  it('keeps a name on one line, short, readable from left to right, and free of links', () => {
    const subject = print('en', {
      inviter_name: 'Ada\r\nBcc: eve@example.com',
      workspace_name: `\u202eabc https://evil.example/x www.evil.example ${'x'.repeat(200)}`,
    }).subject;
    expect(subject).toMatch(/^Ada Bcc: eve@example\.com invited you to “abc https evil\.example\/x evil\.example x+…”/);
    expect(subject).not.toMatch(/[\r\n\u202e]|:\/\//u);
    expect(subject.length).toBeLessThan(180);
  });
});
