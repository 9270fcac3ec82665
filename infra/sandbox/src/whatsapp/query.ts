import type { BinaryNode } from '@whiskeysockets/baileys';
import type { Account, Companion } from './account.ts';
import type { Connection } from './connection.ts';
import type { State } from './state.ts';

/** A question of a linked device. */
export interface Query {
  state: State;
  connection: Connection;
  account: Account;
  companion: Companion;
  request: BinaryNode;
}
