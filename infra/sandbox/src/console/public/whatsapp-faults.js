import { button, h } from './dom.js';

/** What goes wrong often: what the button says, and what the sandbox is told. */
const FAULTS = [
  ['Cut the connection', { fault: 'close', code: 'tcp' }],
  ['Go silent', { fault: 'close', code: 'silent' }],
  ['Replaced (440)', { fault: 'close', code: 440 }],
  ['Restart (515)', { fault: 'close', code: 515 }],
  ['Logged out (401)', { fault: 'close', code: 401 }],
  ['Banned (403) at login', { fault: 'close', code: 403, when: 'next_login' }],
  ['Next arrives broken', { fault: 'corrupt_next' }],
  ['Next arrives twice', { fault: 'duplicate_next' }],
  ['Next without content', { fault: 'withhold_next' }],
  ['Refuse the next (463)', { fault: 'ack_error', code: '463' }],
  ['No more acks', { fault: 'drop_acks', times: true }],
  ['Hold receipts', { fault: 'hold_receipts' }],
  ['3 s late', { fault: 'slow', delay_ms: 3_000 }],
];
const FOR_ALL = [
  ['Files fail (503)', 'POST', { fault: 'media', status: 503 }],
  ['All is well again', 'DELETE', undefined],
];

/** Buttons for what may happen to the linked devices of a phone. `tryTo` shows what went wrong. */
export function drawFaults({ number, ask, tryTo }) {
  const own = FAULTS.map(([text, fault]) =>
    button(text, () => tryTo(() => ask('POST', '/faults', { ...fault, target: number }))),
  );
  const all = FOR_ALL.map(([text, method, fault]) => button(text, () => tryTo(() => ask(method, '/faults', fault))));
  return h(
    'details',
    {},
    h('summary', {}, 'Faults of its linked devices'),
    h('div', { className: 'bar' }, own),
    h('div', { className: 'bar' }, 'Of all phones:', all),
  );
}
