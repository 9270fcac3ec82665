import { type Queryable } from '@potentia/db/client';
import { DbUnavailableError } from '@potentia/db/errors';
import { findJournaled } from '@potentia/db/wa/inbound-queries';
import type { PersonIds } from '@potentia/domain/whatsapp/rules/jid';
import { type BinaryNode, proto, unpadRandomMax16, writeRandomPadMax16 } from '@whiskeysockets/baileys';
import { LogEndedError } from '../state/session-log.ts';
import type { SessionState } from '../state/session-state.ts';
import { cleanJson } from './clean.ts';
import type { InboundItem, Place } from './item.ts';
import type { InboundMetrics } from './metrics.ts';
import { normaliseMessage } from './normalise.ts';
import { placeOfStanza } from './place.ts';
import type { Decryption } from './signal-repository.ts';
import { ownMessage } from './unwrap.ts';

export interface JournalOptions {
  db: Queryable;
  state: SessionState;
  metrics: InboundMetrics;
  me: () => PersonIds;
  /** Whether what comes in is read at once. */
  isMarkingRead: () => boolean;
  /** A message is durable that is to be marked as read. */
  onRead: (stanza: BinaryNode) => void;
  /** The options of a vote by their names; null: not to be known. */
  readVote: (message: proto.IMessage, place: Place) => Promise<string[] | null>;
}

/** A `<message>` on its way through Baileys. */
interface Stanza {
  node: BinaryNode;
  place: Place;
  /** Who wrote it, with the device, as Baileys calls them. */
  author: string;
  /** Beside a sender key there is what it is for. */
  has_group_cipher: boolean;
}

/** How long a look into the journal waits for Postgres, in ms; then the session begins again, and the stanza comes again. */
const PATIENCE_MS = 10_000;
const RETRY_MS = 100;
const MAX_LATEST = 256;
const EMPTY = Buffer.alloc(0);

/**
 * What comes in is written where it is decrypted, together with the step of the ratchet that decrypting it took, and before Baileys
 * says that it was received: the gate holds that receipt until the entry is durable. A stanza that comes again after that cannot be
 * decrypted any more; it is answered with what it brought before, so that it is acknowledged and nobody is asked to send it again.
 */
export class Journal implements Decryption {
  readonly #options: JournalOptions;
  readonly #stanzas = new WeakMap<Uint8Array, Stanza>();
  /** The latest, since Baileys tells of each right after it. */
  readonly #latest = new Set<string>();
  #taken_distribution: Uint8Array | null = null;

  constructor(options: JournalOptions) {
    this.#options = options;
  }

  /** To be called with each `<message>`, before Baileys sees it. */
  expect(node: BinaryNode): void {
    const { metrics, state } = this.#options;
    const place = placeOfStanza(node, this.#options.me());
    if (!place || !Array.isArray(node.content)) return;
    const ciphers = node.content.filter(({ tag, content }) => tag === 'enc' && content instanceof Uint8Array);
    const author = node.attrs['participant'] ?? node.attrs['from'] ?? '';
    const has_group_cipher = ciphers.some(({ attrs }) => attrs['type'] === 'skmsg');
    if (ciphers.length > 0) this.#remember(place.message_id);
    for (const { content } of ciphers)
      this.#stanzas.set(content as Uint8Array, { node, place, author, has_group_cipher });
    if (ciphers.length > 0) return;
    const plain = node.content.find(({ tag, content }) => tag === 'plaintext' && content instanceof Uint8Array);
    const item = plain ? this.#item(place, plain.content as Uint8Array) : stubOf(place, node);
    metrics.countItem(item);
    void state.log.append({ inbound: [item] });
  }

  /** Whether a message of this id was decrypted by this socket a moment ago. */
  hasJournaled(message_id: string): boolean {
    return this.#latest.has(message_id);
  }

  async direct(
    { ciphertext }: Parameters<Decryption['direct']>[0],
    original: () => Promise<Uint8Array>,
    repository: Parameters<Decryption['direct']>[2],
  ): Promise<Uint8Array> {
    const stanza = this.#stanzas.get(ciphertext);
    if (!stanza) return original();
    return this.#take(stanza, false, async () => {
      const plaintext = await original();
      const distribution = decode(plaintext)?.senderKeyDistributionMessage;
      if (distribution) {
        // Without it what follows could not be read again: the step that brought it and the key belong together.
        await repository
          .processSenderKeyDistributionMessage({ authorJid: stanza.author, item: distribution })
          .then(() => (this.#taken_distribution = distribution.axolotlSenderKeyDistributionMessage ?? null))
          .catch(() => undefined);
      }
      return plaintext;
    });
  }

  async group({ msg }: Parameters<Decryption['group']>[0], original: () => Promise<Uint8Array>): Promise<Uint8Array> {
    const stanza = this.#stanzas.get(msg);
    return stanza ? this.#take(stanza, true, original) : original();
  }

  hasTaken(distribution: Uint8Array | null | undefined): boolean {
    const taken = this.#taken_distribution;
    this.#taken_distribution = null;
    return !!taken && !!distribution && Buffer.from(taken).equals(distribution);
  }

  async #take(stanza: Stanza, is_group_cipher: boolean, original: () => Promise<Uint8Array>): Promise<Uint8Array> {
    const { state, metrics } = this.#options;
    const { outcome, keys } = await state.keys.collectKeys(original);
    if (outcome.status === 'rejected') {
      if (Object.keys(keys).length > 0) void state.log.append({ keys });
      return this.#answerAgain(stanza, is_group_cipher, outcome.reason);
    }
    const plaintext = outcome.value;
    const item = await this.#itemOf(stanza, plaintext, is_group_cipher);
    if (item) metrics.countItem(item);
    const written = state.log.append({ keys, ...(item && { inbound: [item] }) });
    if (item?.is_read) this.#markRead(stanza, written);
    return plaintext;
  }

  /** Null: only the key for what follows in the same stanza. */
  async #itemOf(
    { place, has_group_cipher }: Stanza,
    padded: Uint8Array,
    is_group_cipher: boolean,
  ): Promise<InboundItem | null> {
    const message = decode(padded);
    // Baileys cannot read it either, and asks for it again.
    if (!message) return stubOf(place);
    const item = this.#item(place, unpadRandomMax16(padded), message);
    if (item.type === 'protocol' && has_group_cipher && !is_group_cipher) return null;
    if (item.type !== 'poll_vote') return item;
    const options = await this.#options.readVote(ownMessage(message), place).catch(() => null);
    return { ...item, content: { ...item.content, options: cleanJson(options) } };
  }

  #item(place: Place, bytes: Uint8Array, decoded = decodePlain(bytes)): InboundItem {
    if (!decoded) return stubOf(place);
    const message = ownMessage(decoded);
    const proto_bytes = message === decoded ? bytes : proto.Message.encode(message).finish();
    const is_read = this.#options.isMarkingRead() && !place.from_me && place.chat.kind !== 'broadcast';
    const found = normaliseSafely(message);
    return {
      ...place,
      ...found,
      at: found.at ?? place.at,
      proto: Buffer.from(proto_bytes).toString('base64'),
      ...(is_read && { is_read }),
    };
  }

  /** Decrypting failed: what the stanza brought when it came before, or a stub in its place. Throws `reason` when it is new. */
  async #answerAgain(stanza: Stanza, is_group_cipher: boolean, reason: unknown): Promise<Uint8Array> {
    const { state, metrics } = this.#options;
    if (state.log.ended) throw new LogEndedError(state.log.ended);
    const found = await this.#find(stanza.place);
    if (found) {
      metrics.countRepeated();
      if (this.#options.isMarkingRead() && !stanza.place.from_me) this.#markRead(stanza, Promise.resolve());
      return padded(found.proto === null ? EMPTY : Buffer.from(found.proto, 'base64'));
    }
    // The key was taken before, or never comes; whether it is missing shows with the cipher that it is for.
    if (stanza.has_group_cipher && !is_group_cipher) return padded(EMPTY);
    const stub = stubOf(stanza.place);
    metrics.countItem(stub);
    void state.log.append({ inbound: [stub] });
    throw reason;
  }

  async #find(place: Place): Promise<{ proto: string | null } | null> {
    const { db, state } = this.#options;
    const give_up_at = performance.now() + PATIENCE_MS;
    // It may have come a moment ago.
    await state.log.durable();
    for (;;) {
      try {
        return await findJournaled(db, state.session_id, place);
      } catch (error) {
        if (error instanceof DbUnavailableError && performance.now() < give_up_at && !state.log.ended) {
          await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
          continue;
        }
        // Whether it came before is not known: neither a receipt nor a request for it may leave.
        state.log.end('unavailable');
        throw error;
      }
    }
  }

  #remember(message_id: string): void {
    const [oldest] = this.#latest;
    if (oldest !== undefined && this.#latest.size >= MAX_LATEST) this.#latest.delete(oldest);
    this.#latest.add(message_id);
  }

  #markRead({ node }: Stanza, written: Promise<unknown>): void {
    written.then(
      () => this.#options.onRead(node),
      () => undefined,
    );
  }
}

const stubOf = (place: Place, node?: BinaryNode): InboundItem => {
  const unavailable = Array.isArray(node?.content) && node.content.find(({ tag }) => tag === 'unavailable');
  // WhatsApp shows it on the phone alone, so that it never comes.
  if (unavailable && unavailable.attrs['type']?.startsWith('view_once'))
    return { ...place, type: 'unknown', content: { kind: 'view_once' }, proto: null };
  return { ...place, type: 'undecryptable', content: {}, proto: null, is_stub: true };
};

function normaliseSafely(message: proto.IMessage): ReturnType<typeof normaliseMessage> {
  try {
    return normaliseMessage(message);
  } catch {
    return { type: 'unknown', content: {} };
  }
}

const padded = (bytes: Uint8Array): Uint8Array => writeRandomPadMax16(bytes);

function decode(plaintext: Uint8Array): proto.IMessage | null {
  try {
    return proto.Message.decode(unpadRandomMax16(plaintext));
  } catch {
    return null;
  }
}

function decodePlain(bytes: Uint8Array): proto.IMessage | null {
  try {
    return proto.Message.decode(bytes);
  } catch {
    return null;
  }
}
