import type { Account, Companion } from './account.ts';
import type { Connection } from './connection.ts';
import { closeConnection } from './faults.ts';
import type { NoiseClient } from './noise.ts';
import { lidJid, node, now, SERVER } from './nodes.ts';
import type { State } from './state.ts';

/** A linked device comes in, unless it is not linked any more or a fault is set. The one that was there before goes. */
export function login(state: State, connection: Connection, { key, payload }: NoiseClient): void {
  const number = String(payload.username);
  const account = state.accounts.get(number);
  const companion = account?.companions.get(payload.device ?? 0);
  if (!account || !companion?.noise_key.equals(key)) {
    return connection.closeWith(node('failure', { reason: '401', location: 'sandbox' }));
  }
  const code = state.faults.takeAtLogin(number, companion.id);
  if (code !== undefined) return closeConnection(connection, code, true);

  if (companion.connection) closeConnection(companion.connection, 440);
  companion.connection = connection;
  connection.device = { account, companion };
  connection.delay_ms = state.faults.delayOf(number, companion.id);
  const lid = account.phone.settings.supports_lid ? lidJid(account.lid, companion.id) : undefined;
  connection.send(node('success', { t: now(), props: '1', location: 'sandbox', lid }));
}

/** The device is ready: it gets what has waited for it, and at its first login the history. */
export async function activate(state: State, account: Account, companion: Companion): Promise<void> {
  const { connection } = companion;
  if (!connection) return;
  const waiting = [...companion.queue.values()];
  connection.is_active = true;
  for (const stanza of waiting) state.transmit(account, companion, stanza, true);
  if (state.faults.is('never_end_offline', account.number, companion.id)) return;
  connection.send(node('ib', { from: SERVER }, [node('offline', { count: String(waiting.length) })]));
  if (companion.is_synced) return;
  companion.is_synced = true;
  await account.phone.sync(companion);
  state.changed();
}
