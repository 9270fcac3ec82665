import { expect, it } from 'vitest';
import { jid, linked, shopAndAda, start } from './testing/world.ts';

it('sends again what a linked device cannot read', async () => {
  const { server, shop, ada, device } = await shopAndAda({ retryRequestDelayMs: 0 });
  await ada.send(shop.number, 'Before');
  await device.text('Before');
  server.faults.corruptNext(shop.number, 1);
  const { id } = await ada.send(shop.number, 'Garbled');
  expect(await device.text('Garbled')).toMatchObject({ key: { id } });
  const [stub, text] = device.upserts.filter(({ message }) => message.key.id === id);
  expect(stub?.message.messageStubParameters).not.toEqual([]);
  expect(text?.message.message?.conversation).toBe('Garbled');
});

it('sends again to a group member what it cannot read', async () => {
  const { server, shop, ada, device } = await shopAndAda({ retryRequestDelayMs: 0 });
  const { id: group } = ada.createGroup({ subject: 'Friends', members: [shop.number] });
  server.faults.corruptNext(shop.number, 1);
  const { id } = await ada.send(group, 'Garbled');
  expect(await device.text('Garbled')).toMatchObject({ key: { id, remoteJid: group } });
  await ada.send(group, 'Next');
  await device.text('Next');
});

it('asks again for what a phone cannot read', async () => {
  const { server, shop, ada, device } = await shopAndAda();
  server.faults.corruptSent(shop.number, 1);
  const sent = await device.socket.sendMessage(jid(ada), { text: 'Garbled' });
  expect(await ada.waitFor(({ text }) => text === 'Garbled')).toMatchObject({ id: sent?.key.id });
  expect(ada.undecryptable()).toMatchObject([{ id: sent?.key.id, from: shop.number, device: 1, is_resolved: true }]);
});

it('asks again for what a phone cannot read in a group', async () => {
  const { server, shop, ada, device } = await shopAndAda();
  const { id: group } = ada.createGroup({ subject: 'Friends', members: [shop.number] });
  server.faults.corruptSent(shop.number, 1);
  await device.socket.sendMessage(group, { text: 'Garbled' });
  expect(await ada.waitFor(({ text }) => text === 'Garbled')).toMatchObject({ chat: group });
});

it('asks for nothing when it is told not to', async () => {
  const { server, shop, ada, device } = await shopAndAda();
  ada.settings.auto_retry = false;
  server.faults.corruptSent(shop.number, 1);
  await device.socket.sendMessage(jid(ada), { text: 'Garbled' });
  await device.socket.sendMessage(jid(ada), { text: 'Clear' });
  await ada.waitFor(({ text }) => text === 'Clear');
  expect(ada.undecryptable()).toMatchObject([{ attempts: 1, is_resolved: false }]);
  expect(ada.inbox()).toHaveLength(1);
});

it('asks for what a stock client can no longer encrypt once first messages have crossed, and gets all', async () => {
  const { shop, ada, device } = await shopAndAda({ retryRequestDelayMs: 0 });
  const sent = ['One', 'Two', 'Three'];
  // Each writes first: the phone has not seen the client's message when it writes its own.
  ada.settings.is_online = false;
  await device.socket.sendMessage(jid(ada), { text: 'Zero' });
  await ada.send(shop.number, 'Crossing');
  await device.text('Crossing');
  ada.settings.is_online = true;
  await ada.waitFor(({ text }) => text === 'Zero');
  for (const text of sent) {
    await ada.send(shop.number, `Re: ${text}`);
    await device.text(`Re: ${text}`);
    await device.socket.sendMessage(jid(ada), { text });
    await ada.waitFor((message) => message.text === text);
  }
  expect(ada.inbox().map(({ text }) => text)).toEqual(['Zero', ...sent]);
  // The client tried the wrong session first, and by that spoilt it: a mistake of libsignal's that the worker mends.
  expect(ada.undecryptable().length).toBeGreaterThan(0);
  expect(ada.undecryptable().every(({ is_resolved }) => is_resolved)).toBe(true);
});

it('brings all messages through when many are written at the same time', async () => {
  const server = await start();
  const shop = server.addPhone();
  const device = await linked(server, shop, { retryRequestDelayMs: 0 });
  const people = Array.from({ length: 5 }, () => server.addPhone());
  for (const round of ['1', '2', '3']) {
    await Promise.all(
      people.flatMap((person) => [
        device.socket.sendMessage(jid(person), { text: `To ${round}` }),
        person.send(shop.number, `From ${round} ${person.number}`),
      ]),
    );
  }
  for (const person of people) {
    for (const round of ['1', '2', '3']) {
      await person.waitFor(({ text }) => text === `To ${round}`);
      await device.text(`From ${round} ${person.number}`);
    }
  }
  const failures = people.flatMap((person) => person.undecryptable());
  expect(failures.every(({ is_resolved }) => is_resolved)).toBe(true);
});

it('delivers a message twice when it is told to', async () => {
  const { server, shop, ada, device } = await shopAndAda({ retryRequestDelayMs: 0 });
  await ada.send(shop.number, 'Before');
  await device.text('Before');
  await device.socket.sendMessage(jid(ada), { text: 'Reply' });
  await ada.waitFor(({ text }) => text === 'Reply');
  server.faults.duplicateNext(shop.number, 1);
  const { id } = await ada.send(shop.number, 'Twice');
  await device.until(() =>
    device.upserts.filter(({ message }) => message.key.id === id).length > 1 ? true : undefined,
  );
});
