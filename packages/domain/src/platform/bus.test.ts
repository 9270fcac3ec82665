import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeBusMessage, encodeBusMessage } from './bus.ts';

const message = fc.record(
  {
    kind: fc.string(),
    seq: fc.nat(),
    user_id: fc.uuid(),
    traceparent: fc.string(),
    frame: fc.string({ unit: 'binary' }),
  },
  { requiredKeys: ['kind', 'frame'] },
);

test('a message survives the wire, whatever its frame holds', () => {
  fc.assert(
    fc.property(message, (sent) => {
      expect(decodeBusMessage(encodeBusMessage(sent))).toEqual(sent);
    }),
  );
});

test('text that no bus wrote is undefined, never an exception', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(decodeBusMessage(text)).toBeUndefined();
    }),
  );
  for (const text of [
    '',
    '\n',
    '{}\n',
    'null\nx',
    '[]\n',
    '{"kind":1}\n',
    '{"kind":"event","seq":"1"}\n',
    '{"kind":"event"}',
  ]) {
    expect(decodeBusMessage(text)).toBeUndefined();
  }
});
