import { expect, it } from 'vitest';
import { groupJid, isSamePerson, personJid, personOf, personOfAll, roomOf } from './jid.ts';

it('finds the id of a person, whatever the device', () => {
  expect(personOf('6281234567:12@s.whatsapp.net')).toEqual({ phone: '6281234567' });
  expect(personOf('6281234567@c.us')).toEqual({ phone: '6281234567' });
  expect(personOf('1234_1:99@lid')).toEqual({ lid: '1234' });
  expect(personOf('1234@hosted.lid')).toEqual({ lid: '1234' });
});

it('finds nobody in what is no address of a person', () => {
  for (const jid of [
    '120363@g.us',
    'status@broadcast',
    '',
    null,
    undefined,
    '12@s.whatsapp.net',
    `${'9'.repeat(33)}@lid`,
    'x@lid',
  ])
    expect(personOf(jid)).toEqual({});
});

it('puts both ids of a person together, the first address of a kind first', () => {
  expect(personOfAll('1234@lid', '6281234567@s.whatsapp.net')).toEqual({ lid: '1234', phone: '6281234567' });
  expect(personOfAll('1@lid', '2@lid')).toEqual({ lid: '1' });
  expect(personOfAll(undefined, '')).toEqual({});
});

it('tells whether two are one', () => {
  expect(isSamePerson({ lid: '1', phone: '62812345' }, { phone: '62812345' })).toBe(true);
  expect(isSamePerson({ lid: '1' }, { phone: '62812345' })).toBe(false);
  expect(isSamePerson({}, {})).toBe(false);
});

it('keeps groups without their server, and what it does not know whole', () => {
  expect(roomOf('1203-4@g.us')).toEqual({ kind: 'group', group_id: '1203-4' });
  expect(roomOf('99@broadcast')).toEqual({ kind: 'broadcast', group_id: '99' });
  expect(roomOf('8670@bot')).toEqual({ kind: 'broadcast', group_id: '8670@bot' });
  expect(roomOf(`${'1'.repeat(90)}@g.us`)).toEqual({ kind: 'group', group_id: '1'.repeat(64) });
});

it('makes addresses', () => {
  expect(personJid({ lid: '1', phone: '62812345' })).toBe('1@lid');
  expect(personJid({ lid: null, phone: '62812345' })).toBe('62812345@s.whatsapp.net');
  expect(groupJid('1203')).toBe('1203@g.us');
});
