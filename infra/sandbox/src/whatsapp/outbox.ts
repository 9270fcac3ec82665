import type { OutboxMessage, OutboxReceipt, PhoneMessage } from './phone.ts';

export class PhoneOutbox {
  readonly #messages = new Map<string, OutboxMessage>();
  readonly #shown = new Set<PhoneMessage>();

  all(): OutboxMessage[] {
    return [...this.#messages.values()];
  }

  /** Whether the message was written here. */
  has(message: PhoneMessage): boolean {
    return this.#shown.has(message);
  }

  add(id: string, to: string, message: PhoneMessage): void {
    this.#messages.set(id, { id, to, status: 'server', receipts: [], devices: [], message });
    if (message.id === id) this.#shown.add(message);
  }

  confirm(id: string, type: OutboxReceipt['type'], from: string, device: number): void {
    const sent = this.#messages.get(id);
    if (!sent) return;
    if (device > 0 && !sent.devices.includes(device)) sent.devices.push(device);
    sent.receipts.push({ from, device, type, at: new Date().toISOString() });
    if (type !== 'delivered') sent.status = 'read';
    else if (sent.status === 'server') sent.status = 'delivered';
  }
}
