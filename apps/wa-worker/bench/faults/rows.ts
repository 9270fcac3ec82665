import { setTimeout as sleep } from 'node:timers/promises';
import type { World } from './world.ts';

/** What goes wrong in a row while messages pass. */
export interface Row {
  name: string;
  people?: number;
  /** Nothing may need a second attempt. */
  is_read_at_once?: boolean;
  run(world: World): Promise<void>;
}

/** What a fault needs to be under way; nothing waits for it. */
const A_MOMENT_MS = 300;
const OUTAGE_MS = 10_000;

/** Kills the first worker, and lets it come back as the same one. */
async function killAndReturn(world: World): Promise<void> {
  await world.workers[0].kill();
  await world.workers[0].start();
  await world.place(world.workers[0]);
}

const both = (world: World, count: number, rate: number): Promise<unknown> =>
  Promise.all([world.sendIn(count, rate), world.sendOut(count, rate)]);

const known = async (world: World): Promise<void> => {
  await Promise.all([world.sendIn(world.people.length), world.sendOut(world.people.length)]);
  await world.settle();
};

/** Something is away for ten seconds while messages pass both ways. */
const outage = (name: string, which: (world: World) => { refuse(): void; heal(): void }): Row => ({
  name,
  async run(world) {
    await known(world);
    const traffic = both(world, 240, 20);
    await sleep(1_000);
    which(world).refuse();
    await sleep(OUTAGE_MS);
    which(world).heal();
    await traffic;
  },
});

const serverFault = (name: string, breakIt: (world: World) => void, times = 3): Row => ({
  name,
  async run(world) {
    await known(world);
    const traffic = both(world, 120, 20);
    for (let n = 0; n < times; n++) {
      await sleep(1_500);
      breakIt(world);
    }
    await traffic;
  },
});

export const ROWS: Row[] = [
  {
    name: 'in: killed before the journal',
    async run(world) {
      const unblock = await world.blockLog();
      await world.sendIn(20);
      await sleep(A_MOMENT_MS);
      await world.workers[0].kill();
      await unblock();
      await killAndReturn(world);
    },
  },
  {
    name: 'in: killed after the journal, before the receipt',
    async run(world) {
      await world.sendIn(60);
      await world.until('something is in the journal', async () => (await world.journaled()) > 0);
      await killAndReturn(world);
    },
  },
  {
    name: 'in: killed after the receipt, before the API knows',
    async run(world) {
      world.api.mode = 'away';
      await world.sendIn(20);
      const received = () => world.people.every((phone) => phone.outbox().every(({ status }) => status !== 'server'));
      await world.until('the senders have receipts', received);
      await world.workers[0].kill();
      world.api.mode = 'up';
      await killAndReturn(world);
    },
  },
  {
    name: 'in: killed after the API knows, before that is noted',
    async run(world) {
      await known(world);
      const waiting = async () => (await world.database.asOwner('select from wa.events where dead_at is null')).length;
      await world.until('all before it was told', async () => (await waiting()) === 0);
      world.api.mode = 'silent';
      await world.sendIn(20);
      await world.until('the API was told', () => world.api.told().size > world.people.length);
      await world.workers[0].kill();
      world.api.mode = 'up';
      await killAndReturn(world);
    },
  },
  {
    name: 'out: killed after it was taken, before it is sent',
    async run(world) {
      await world.sendOut(40);
      await killAndReturn(world);
    },
  },
  {
    name: 'out: killed before the ratchet is durable',
    async run(world) {
      await known(world);
      const unblock = await world.blockLog();
      await world.sendOut(20);
      await sleep(A_MOMENT_MS);
      await world.workers[0].kill();
      await unblock();
      await killAndReturn(world);
    },
  },
  {
    name: 'out: killed after the frame, before the server answers',
    async run(world) {
      world.whatsapp.faults.dropAcks(world.shop.number, true);
      world.whatsapp.faults.holdReceipts(world.shop.number, true);
      await world.sendOut(20);
      await world.until('somebody has it', () => world.people.some((phone) => phone.inbox().length > 0));
      await world.workers[0].kill();
      world.whatsapp.faults.clear();
      await killAndReturn(world);
    },
  },
  {
    name: 'out: killed after the server took it for phones that are off, its answer lost',
    async run(world) {
      await known(world);
      for (const phone of world.people) phone.settings.is_online = false;
      world.whatsapp.faults.dropAcks(world.shop.number, true);
      await world.sendOut(20);
      const sent = `select from wa.messages where session_id = $1 and status = 'sent'`;
      const count = async () => (await world.database.asOwner(sent, [world.session_id])).length;
      await world.until('all have left', async () => (await count()) === 20);
      await world.workers[0].kill();
      world.whatsapp.faults.clear();
      await killAndReturn(world);
      await world.until('all went again', async () => (await count()) === 0);
      for (const phone of world.people) phone.settings.is_online = true;
    },
  },
  {
    name: 'out: killed after the answer, before it is durable',
    async run(world) {
      await known(world);
      await world.sendOut(20);
      await world.until('somebody has it', () => world.people.some((phone) => phone.inbox().length > 1));
      const unblock = await world.blockLog();
      await sleep(A_MOMENT_MS);
      await world.workers[0].kill();
      await unblock();
      await killAndReturn(world);
    },
  },
  {
    name: 'both: killed ten times under 20 messages a second each way',
    async run(world) {
      const traffic = both(world, 400, 20);
      for (let n = 0; n < 10; n++) {
        await sleep(500 + Math.random() * 1_500);
        await killAndReturn(world);
      }
      await traffic;
    },
  },
  {
    name: 'both: stopped in order and started again under 20 messages a second each way',
    async run(world) {
      const traffic = both(world, 200, 20);
      for (let n = 0; n < 3; n++) {
        await sleep(1_500);
        await world.workers[0].stop();
        await world.workers[0].start();
        await world.place(world.workers[0]);
      }
      await traffic;
    },
  },
  outage('Postgres away for 10 s', ({ postgres }) => postgres),
  outage('Redis away for 10 s', ({ redis }) => redis),
  outage('object storage away for 10 s', ({ objects }) => objects),
  outage('the API away for 10 s', ({ api }) => ({
    refuse: () => {
      api.mode = 'away';
    },
    heal: () => {
      api.mode = 'up';
    },
  })),
  {
    name: 'two workers forced on one session, again and again',
    async run(world) {
      await world.workers[1].start();
      await known(world);
      const traffic = both(world, 200, 20);
      for (let n = 0; n < 6; n++) {
        await sleep(1_000);
        await world.place(world.workers[(n + 1) % 2] ?? world.workers[0]);
      }
      await traffic;
    },
  },
  {
    name: 'lease lost in the middle of sending',
    async run(world) {
      await world.workers[1].start();
      await world.sendOut(200);
      await world.place(world.workers[1]);
    },
  },
  {
    name: 'migration under 20 messages a second each way',
    async run(world) {
      await world.workers[1].start();
      await known(world);
      const traffic = both(world, 200, 20);
      for (let n = 0; n < 4; n++) {
        await sleep(1_500);
        const [from, to] = n % 2 === 0 ? world.workers : [world.workers[1], world.workers[0]];
        await world.command(from, 'POST', '/release');
        await world.place(to);
      }
      await traffic;
    },
  },
  serverFault('the server cuts the connection', ({ whatsapp, shop }) => whatsapp.faults.closeWith(shop.number, 'tcp')),
  serverFault('the server takes a message and cuts', ({ whatsapp, shop }) =>
    whatsapp.faults.dropAfterReceive(shop.number, 1),
  ),
  serverFault('515', ({ whatsapp, shop }) => whatsapp.faults.closeWith(shop.number, 515)),
  serverFault('440 while still the owner', ({ whatsapp, shop }) => whatsapp.faults.closeWith(shop.number, 440), 1),
  serverFault('503', ({ whatsapp, shop }) => whatsapp.faults.closeWith(shop.number, 503)),
  serverFault('messages arrive that cannot be read, both ways', ({ whatsapp, shop }) => {
    whatsapp.faults.corruptNext(shop.number, 2);
    whatsapp.faults.corruptSent(shop.number, 2);
  }),
  serverFault('messages arrive twice', ({ whatsapp, shop }) => whatsapp.faults.duplicateNext(shop.number, 5)),
  {
    name: '1,000 messages while the worker is away',
    async run(world) {
      await known(world);
      await world.workers[0].stop();
      await world.sendIn(1_000);
      await world.workers[0].start();
      await world.place(world.workers[0]);
    },
  },
  {
    name: 'first messages cross with 20 people, 4 each way',
    people: 20,
    is_read_at_once: true,
    async run(world) {
      // Each writes before it has seen what the other wrote.
      for (const phone of world.people) phone.settings.is_online = false;
      await world.sendOut(20);
      const acked = `select from wa.messages where session_id = $1 and status = 'acked'`;
      const count = async () => (await world.database.asOwner(acked, [world.session_id])).length;
      await world.until('the server has our first messages', async () => (await count()) === 20);
      await world.sendIn(20);
      await world.until('theirs are in the journal', async () => (await world.journaled()) === 20);
      for (const phone of world.people) phone.settings.is_online = true;
      for (let round = 0; round < 3; round++) await both(world, 20, 0);
    },
  },
];
