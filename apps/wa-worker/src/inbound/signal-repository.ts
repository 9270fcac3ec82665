import { AsyncLocalStorage } from 'node:async_hooks';
import {
  DEFAULT_CONNECTION_CONFIG,
  type SignalRepositoryWithLIDStore,
  type UserFacingSocketConfig,
} from '@whiskeysockets/baileys';

type MakeRepository = NonNullable<UserFacingSocketConfig['makeSignalRepository']>;
type Decrypt = Parameters<SignalRepositoryWithLIDStore['decryptMessage']>[0];
type DecryptGroup = Parameters<SignalRepositoryWithLIDStore['decryptGroupMessage']>[0];

/** What becomes of a ciphertext. `original` decrypts it; whatever is awaited here nobody else of the session changes a ratchet. */
export interface Decryption {
  direct(
    options: Decrypt,
    original: () => Promise<Uint8Array>,
    repository: SignalRepositoryWithLIDStore,
  ): Promise<Uint8Array>;
  group(options: DecryptGroup, original: () => Promise<Uint8Array>): Promise<Uint8Array>;
  /** Whether a sender key was taken with the ciphertext that brought it. */
  hasTaken(distribution: Uint8Array | null | undefined): boolean;
}

/**
 * Baileys' own Signal repository, with two changes for whatever steps a ratchet.
 *
 * 1. It runs outside of the transaction of whoever calls. Baileys sends a message within one that it commits afterwards: the frame
 *    would be handed over before its ratchet is in the log, and a message that comes in meanwhile from the same person would step a
 *    ratchet that the end of the transaction overwrites.
 * 2. One after the other. Baileys' locks are by address, and a person has two.
 */
export function guardedRepository(decryption: Decryption): MakeRepository {
  return (...args) => {
    const original = DEFAULT_CONNECTION_CONFIG.makeSignalRepository(...args);
    const outside = AsyncLocalStorage.snapshot();
    let last: Promise<unknown> = Promise.resolve();
    const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
      const turn = last.then(() => outside(work));
      last = turn.catch(() => undefined);
      return turn;
    };
    /** Those that call no other. */
    const plain: SignalRepositoryWithLIDStore = { ...original };
    return {
      ...original,
      decryptMessage: (options) => inTurn(() => decryption.direct(options, () => plain.decryptMessage(options), plain)),
      decryptGroupMessage: (options) =>
        inTurn(() => decryption.group(options, () => plain.decryptGroupMessage(options))),
      processSenderKeyDistributionMessage: (options) =>
        inTurn(async () => {
          if (decryption.hasTaken(options.item.axolotlSenderKeyDistributionMessage)) return;
          await plain.processSenderKeyDistributionMessage(options);
        }),
      encryptMessage: (options) => inTurn(() => plain.encryptMessage(options)),
      encryptGroupMessage: (options) => inTurn(() => plain.encryptGroupMessage(options)),
      getSenderKeyDistributionMessage: (options) => inTurn(() => plain.getSenderKeyDistributionMessage(options)),
      injectE2ESession: (options) => inTurn(() => plain.injectE2ESession(options)),
      migrateSession: (from, to) => inTurn(() => plain.migrateSession(from, to)),
      deleteSession: (jids) => inTurn(() => plain.deleteSession(jids)),
    };
  };
}
