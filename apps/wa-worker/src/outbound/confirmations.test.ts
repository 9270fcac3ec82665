import { expect, test } from 'vitest';
import { readReceipt } from './confirmations.ts';

const own = ['4915100:3@s.whatsapp.net', '900:3@lid'];
const t = '1777629600';
const at = '2026-05-01T10:00:00.000Z';
const read = (attrs: Record<string, string>, content?: Parameters<typeof readReceipt>[0]['content']) =>
  readReceipt({ tag: 'receipt', attrs: { id: 'A', from: '111:2@lid', t, ...attrs }, content }, own);

test('a receipt of somebody says how far a message is, for each id that it names', () => {
  expect(read({})).toEqual([{ message_id: 'A', status: 'delivered', at, from: { lid: '111' } }]);
  expect(read({ type: 'inactive' })).toMatchObject([{ status: 'delivered' }]);
  const items = ['B', 'C'].map((id) => ({ tag: 'item', attrs: { id } }));
  const ids = read({ type: 'read' }, [{ tag: 'list', attrs: {}, content: items }]);
  expect(ids.map(({ message_id, status }) => [message_id, status])).toEqual([
    ['A', 'read'],
    ['B', 'read'],
    ['C', 'read'],
  ]);
  expect(read({ type: 'played' })).toMatchObject([{ status: 'played' }]);
});

test('in a group it is one participant’s, by both ids where both are told', () => {
  const from = '12036@g.us';
  expect(read({ from, participant: '111:2@lid', participant_pn: '4917700@s.whatsapp.net' })).toEqual([
    {
      ...{ message_id: 'A', status: 'delivered', at },
      ...{ from: { group_id: '12036' }, participant: { lid: '111', phone: '4917700' } },
    },
  ]);
  expect(read({ from })).toEqual([]);
});

test('what asks for something, what is about others’ messages, and what the own devices say, is none', () => {
  for (const type of ['retry', 'sender', 'read-self', 'hist_sync', 'peer_msg', 'server-error'])
    expect(read({ type }), type).toEqual([]);
  expect(read({ recipient: '111@lid' })).toEqual([]);
  expect(read({ from: '900@lid' })).toEqual([]);
  expect(read({ from: '4915100@s.whatsapp.net' })).toEqual([]);
  expect(read({ from: 'nobody' })).toEqual([]);
});

test('a time that cannot be is now', () => {
  const before = Date.now();
  for (const wrong of ['', 'x', '99999999999', '-5']) {
    const [item] = read({ t: wrong });
    expect(Date.parse(item?.at ?? '')).toBeGreaterThanOrEqual(before);
  }
});
