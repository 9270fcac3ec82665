import { expect, test } from 'vitest';
import { outboundMessageId } from './message-id.ts';

test('the same key of the same session is the same id, in the form that WhatsApp expects', () => {
  const id = outboundMessageId('0191f0c0-0000-7000-8000-000000000001', 'order-1');
  expect(id).toMatch(/^3EB0[0-9A-F]{18}$/);
  expect(outboundMessageId('0191f0c0-0000-7000-8000-000000000001', 'order-1')).toBe(id);
});

test('another key and another session have other ids', () => {
  const id = outboundMessageId('a', 'k');
  expect(outboundMessageId('a', 'l')).not.toBe(id);
  expect(outboundMessageId('b', 'k')).not.toBe(id);
});
