import { startWhatsApp } from '@potentia/sandbox/testing/whatsapp';
import type { Phone } from '@potentia/sandbox/whatsapp/phone';
import { serveMethods } from './rpc.ts';

/* WhatsApp in a process of its own, told by `rpc.ts` what its phones do. */

const whatsapp = await startWhatsApp();
const WAIT_MS = 300_000;

function phone(number: string): Phone {
  const found = whatsapp.phone(number);
  if (!found) throw new Error(`there is no phone ${number}`);
  return found;
}

serveMethods({
  env: () => whatsapp.env,
  addPhone: () => whatsapp.addPhone().number,
  scan: (number: string, qr: string) => phone(number).scan(qr),
  /** A message each way, so that both ends know each other. */
  async greet(from: string, to: string) {
    const { id } = await phone(from).send(to, 'hello');
    await phone(from).waitForSent((sent) => sent.id === id && sent.devices.length > 0, WAIT_MS);
  },
  /** Sends at once; resolves when the linked device has confirmed each, with how long that took in ms. */
  async burst(from: string, to: string, count: number) {
    const began = performance.now();
    const ids = new Set<string>();
    for (let n = 0; n < count; n++) ids.add((await phone(from).send(to, `message ${n}`)).id);
    const sent_ms = performance.now() - began;
    let delivered = 0;
    await phone(from).waitForSent((message) => {
      // The account's own phone confirms too, and it has no journal.
      if (ids.has(message.id) && message.devices.length > 0) {
        ids.delete(message.id);
        delivered += 1;
      }
      return delivered === count;
    }, WAIT_MS);
    return { ms: performance.now() - began, sent_ms };
  },
  shown: (number: string, prefix: string) =>
    phone(number)
      .inbox()
      .filter(({ text }) => text.startsWith(prefix)).length,
  /** Resolves when the phone shows that many messages that begin so. */
  async waitShown(number: string, prefix: string, count: number) {
    const seen = new Set<string>();
    await phone(number).waitFor((message) => {
      if (message.text.startsWith(prefix)) seen.add(message.id);
      return seen.size === count;
    }, WAIT_MS);
  },
});
