import type { Account } from './account.ts';
import { lidJid, node, numberJid } from './nodes.ts';
import type { State } from './state.ts';

/** Tells those who write to somebody, and that somebody's other devices, that one is there or gone. */
export function announceDevice(state: State, account: Account, change: 'add' | 'remove', id: number): void {
  const names = [numberJid(account.number, id), lidJid(account.lid, id)];
  const devices = names.map((jid) => node('device', { jid, 'key-index': String(id) }));
  const content = node(change, { device_hash: `2:${id}` }, devices);
  const attrs = { from: numberJid(account.number), type: 'devices' };
  for (const asker of new Set([account, ...account.askers])) {
    const others = [...asker.companions.values()].filter((companion) => asker !== account || companion.id !== id);
    for (const companion of others) state.notifyDevice(asker, companion, attrs, [content]);
  }
}
