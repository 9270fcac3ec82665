import { expect, it } from 'vitest';
import { jid, linked, shopAndAda, start } from './testing/world.ts';

it('carries messages in a group, both ways', async () => {
  const { server, shop, ada, device } = await shopAndAda();
  const bob = server.addPhone({ name: 'Bob' });
  const { id } = ada.createGroup({ subject: 'Friends', members: [shop.number, bob.number] });
  await ada.send(id, 'Hello all');
  expect(await device.text('Hello all')).toMatchObject({
    key: { remoteJid: id, participant: jid(ada, 'lid'), participantAlt: jid(ada), fromMe: false },
  });
  await bob.waitFor(({ text, chat, from }) => text === 'Hello all' && chat === id && from === ada.number);
  await ada.waitForSent(({ receipts }) => receipts.some((receipt) => receipt.device === 1));

  const sent = await device.socket.sendMessage(id, { text: 'Hello from the shop' });
  for (const phone of [ada, bob, shop]) {
    const arrived = await phone.waitFor(({ text }) => text === 'Hello from the shop');
    expect(arrived).toMatchObject({ id: sent?.key.id, chat: id, from: shop.number, is_from_me: phone === shop });
  }
  await device.socket.sendMessage(id, { text: 'Again' });
  await bob.waitFor(({ text }) => text === 'Again');
  await bob.send(id, { kind: 'reaction', id: sent!.key.id!, emoji: '👍' });
  const reaction = await device.message(({ message }) => message?.reactionMessage?.text === '👍');
  expect(reaction.message?.reactionMessage?.key).toMatchObject({ id: sent?.key.id, fromMe: true });
});

it('tells linked devices of a group, its members, and changes of them', async () => {
  const { server, shop, ada, device } = await shopAndAda();
  const bob = server.addPhone();
  const { id } = ada.createGroup({ subject: 'Friends', members: [shop.number] });
  ada.addMember(id, bob.number);
  ada.promote(id, shop.number);
  const change = await device.until(() => device.group_changes.find(({ action }) => action === 'promote'));
  expect(change).toMatchObject({ id, participants: [{ id: jid(shop, 'lid') }] });
  ada.setSubject(id, 'Colleagues');
  const metadata = await device.socket.groupMetadata(id);
  expect(metadata).toMatchObject({ subject: 'Colleagues', addressingMode: 'lid', owner: jid(ada, 'lid'), size: 3 });
  expect(metadata.participants).toMatchObject([
    { id: jid(ada, 'lid'), phoneNumber: jid(ada), admin: 'admin' },
    { id: jid(shop, 'lid'), admin: 'admin' },
    { id: jid(bob, 'lid'), admin: null },
  ]);
  expect(Object.keys(await device.socket.groupFetchAllParticipating())).toEqual([id]);
});

it('lets linked devices make and change groups', async () => {
  const { server, shop, ada, device } = await shopAndAda();
  const bob = server.addPhone();
  const { id } = await device.socket.groupCreate('Orders', [jid(ada)]);
  await device.socket.groupParticipantsUpdate(id, [jid(bob)], 'add');
  await device.socket.groupUpdateSubject(id, 'All orders');
  await device.socket.groupUpdateDescription(id, 'What people want');
  const invite = await device.socket.groupInviteCode(id);
  expect(await device.socket.groupGetInviteInfo(invite!)).toMatchObject({
    subject: 'All orders',
    desc: 'What people want',
  });
  await bob.send(id, 'Me too');
  await device.text('Me too');
  await device.socket.groupParticipantsUpdate(id, [jid(bob)], 'remove');
  await expect(bob.send(id, 'Still here?')).rejects.toThrow('no such group');
  await device.socket.groupLeave(id);
  await expect(device.socket.groupMetadata(id)).rejects.toThrow('forbidden');
  await ada.send(id, 'Alone');
  expect(shop.inbox().map(({ text }) => text)).not.toContain('Alone');
});

it('lets only members read and only admins change a group', async () => {
  const { server, shop, ada, device } = await shopAndAda();
  const bob = server.addPhone();
  const { id } = ada.createGroup({ subject: 'Friends', members: [shop.number] });
  expect(() => bob.setSubject(id, 'Mine')).toThrow('no such group');
  await expect(device.socket.groupParticipantsUpdate(id, [jid(bob)], 'add')).rejects.toThrow('forbidden');
  ada.removeMember(id, shop.number);
  await expect(device.socket.groupMetadata(id)).rejects.toThrow('forbidden');
});

it('gives a group new keys when somebody has gone', async () => {
  const server = await start();
  const [ada, bob, eve] = [server.addPhone(), server.addPhone(), server.addPhone()];
  const devices = [await linked(server, bob), await linked(server, eve)] as const;
  const { id } = ada.createGroup({ subject: 'Friends', members: [bob.number, eve.number] });
  await ada.send(id, 'With Eve');
  for (const device of devices) await device.text('With Eve');
  ada.removeMember(id, eve.number);
  await ada.send(id, 'Without Eve');
  await devices[0].text('Without Eve');
  const key = (device: (typeof devices)[number]) =>
    JSON.stringify([...device.auth.rows].filter(([name]) => name.startsWith(`sender-key ${id}`)));
  expect(key(devices[0])).not.toBe(key(devices[1]));
  expect(devices[1].upserts.map(({ message }) => message.message?.conversation)).not.toContain('Without Eve');
});
