import type { BinaryNode } from '@whiskeysockets/baileys';
import { describe, expect, it } from 'vitest';
import { placeOfMessage, placeOfStanza } from './place.ts';

const me = { lid: '900', phone: '6289900000' };
const stanza = (attrs: Record<string, string | undefined>): BinaryNode => ({
  tag: 'message',
  attrs: { id: 'M', t: '1700000000', ...attrs },
});
const at = '2023-11-14T22:13:20.000Z';

describe('where a stanza belongs', () => {
  it('a person, with both names, whichever it comes under', () => {
    const both = { lid: '12', phone: '6281200001' };
    for (const attrs of [
      { from: '12:3@lid', sender_pn: '6281200001@s.whatsapp.net' },
      { from: '6281200001:3@s.whatsapp.net', sender_lid: '12@lid' },
    ])
      expect(placeOfStanza(stanza({ ...attrs, notify: 'Ani' }), me)).toEqual({
        ...{ chat: { kind: 'person', ...both }, sender: { ...both, name: 'Ani' }, from_me: false, message_id: 'M', at },
      });
  });

  it('what the own phone sent is of whom it went to, never of ourselves', () => {
    const attrs = { from: '900@lid', sender_pn: '6289900000@s.whatsapp.net', recipient: '12@lid', notify: 'Me' };
    expect(placeOfStanza(stanza({ ...attrs, peer_recipient_pn: '6281200001@s.whatsapp.net' }), me)).toMatchObject({
      ...{ chat: { kind: 'person', lid: '12', phone: '6281200001' }, sender: null, from_me: true },
    });
    expect(placeOfStanza(stanza(attrs), me)?.chat).toEqual({ kind: 'person', lid: '12' });
    expect(placeOfStanza(stanza({ from: '900:2@lid' }), me)).toMatchObject({ chat: { lid: '900' }, from_me: true });
  });

  it('a group, and who of it', () => {
    const attrs = { from: '1203@g.us', participant: '12:1@lid', participant_pn: '6281200001@s.whatsapp.net' };
    expect(placeOfStanza(stanza(attrs), me)).toMatchObject({
      chat: { kind: 'group', group_id: '1203' },
      sender: { lid: '12', phone: '6281200001' },
    });
    expect(placeOfStanza(stanza({ ...attrs, participant: '900:4@lid', participant_pn: '' }), me)).toMatchObject({
      ...{ sender: null, from_me: true },
    });
  });

  it('nowhere: statuses, channels, what devices tell each other, and what has no id', () => {
    for (const attrs of [
      { from: 'status@broadcast', participant: '12@lid' },
      { from: '1@newsletter' },
      { from: '900@lid', category: 'peer' },
      { from: '12@lid', id: '' },
      { from: '' },
    ])
      expect(placeOfStanza(stanza(attrs), me)).toBeNull();
  });

  it('takes ids and times that nobody should send', () => {
    const odd = placeOfStanza(stanza({ from: '12@lid', id: `\0${'x'.repeat(300)}`, t: 'soon', notify: '\0 ' }), me)!;
    expect(odd.message_id).toBe('x'.repeat(128));
    expect(Math.abs(Date.parse(odd.at) - Date.now())).toBeLessThan(10_000);
    expect(odd.sender).toEqual({ lid: '12' });
  });
});

describe('where a message of Baileys belongs', () => {
  it('our own one is not of the number that stands beside it, when that is ours', () => {
    const key = { id: 'M', remoteJid: '12@lid', remoteJidAlt: '6289900000@s.whatsapp.net', fromMe: true };
    expect(placeOfMessage({ key, messageTimestamp: 1_700_000_000 }, me)).toEqual({
      ...{ chat: { kind: 'person', lid: '12' }, sender: null, from_me: true, message_id: 'M', at },
    });
  });

  it('in a group it is of its participant', () => {
    const key = { id: 'M', remoteJid: '1@g.us', participant: '12@lid', participantAlt: '6281200001@s.whatsapp.net' };
    expect(placeOfMessage({ key, messageTimestamp: 1, pushName: 'Ani' }, me)).toMatchObject({
      ...{ chat: { kind: 'group' }, sender: { lid: '12', phone: '6281200001', name: 'Ani' } },
    });
  });
});
