import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { BinaryNode } from '@whiskeysockets/baileys';
import { WebSocketServer } from 'ws';
import { createServerIdentity, type KeyPair } from './certificates.ts';
import { Connection, type ConnectionHandler } from './connection.ts';
import type { Faults } from './faults.ts';
import { login } from './login.ts';
import type { MediaStore } from './media.ts';
import { receiveMessage } from './messages.ts';
import type { NoiseClient } from './noise.ts';
import { Registration } from './pairing.ts';
import type { Phone } from './phone.ts';
import { PhoneDevice } from './phone-device.ts';
import { answerQuery } from './queries.ts';
import { receiveAck, receivePresence, receiveReceipt } from './receipts.ts';
import { lidOf, State } from './state.ts';
import { openStorage } from './storage.ts';
import { receiveTyping } from './typing.ts';

export interface WhatsAppOptions {
  /** 0: any free one. */
  port?: number;
  host?: string;
  /** Where media are; without one there are none. */
  media?: MediaStore | null;
  /** Where phones and linked devices are kept over a restart; nowhere when not given. */
  data_dir?: string;
  /** What the server's certificates hang on; the kept one or a new one when not given. */
  root?: KeyPair;
}

export interface PhoneOptions {
  /** Digits, or as people write it; a free one when not given. */
  number?: string;
  name?: string;
  is_business?: boolean;
}

/** A group, as somebody in it sees it. */
export interface PhoneGroup {
  id: string;
  subject: string;
  description: string;
  members: { number: string; is_admin: boolean }[];
}

export interface WhatsAppServer extends AsyncDisposable {
  /** Where clients connect: `ws://…/ws/chat`. */
  url: string;
  media_url: string | null;
  /** Base64 of the key that clients must trust. */
  root_public_key: string;
  phones(): Phone[];
  /** Throws when the number is taken. */
  addPhone(input?: PhoneOptions): Phone;
  phone(number: string): Phone | undefined;
  /** The groups that a phone is in. */
  groups(number: string): PhoneGroup[];
  faults: Faults;
  /** What went wrong in the server itself; empty, unless it has a mistake. */
  problems(): unknown[];
  close(): Promise<void>;
}

const PATH = '/ws/chat';
const FIRST_NUMBER = 491_510_000_001n;

/** Handles the connections of clients that pair, log in and talk. */
class Handler implements ConnectionHandler {
  readonly #state: State;
  readonly #registrations = new Map<Connection, Registration>();

  constructor(state: State) {
    this.#state = state;
  }

  async opened(connection: Connection, client: NoiseClient): Promise<void> {
    if (!client.payload.devicePairingData) {
      login(this.#state, connection, client);
      return;
    }
    const registration = new Registration(this.#state, connection, client);
    this.#registrations.set(connection, registration);
    this.#state.registrations.add(registration);
  }

  async received(connection: Connection, stanza: BinaryNode): Promise<void> {
    try {
      await this.#handle(connection, stanza);
    } catch (error) {
      this.#state.problems.push(error);
      if (stanza.tag === 'iq') connection.replyError(stanza, 500, 'internal-server-error');
    }
  }

  async #handle(connection: Connection, stanza: BinaryNode): Promise<void> {
    const state = this.#state;
    const registration = this.#registrations.get(connection);
    if (registration) return registration.received(stanza);
    if (!connection.device) return;
    switch (stanza.tag) {
      case 'iq':
        return answerQuery({ state, connection, ...connection.device, request: stanza });
      case 'message':
        return receiveMessage(state, connection, stanza);
      case 'receipt':
        return receiveReceipt(state, connection, stanza);
      case 'ack': {
        receiveAck(state, connection, stanza);
        return;
      }
      case 'chatstate': {
        receiveTyping(state, connection, stanza);
        return;
      }
      case 'presence': {
        receivePresence(state, connection, stanza);
        return;
      }
    }
  }

  closed(connection: Connection): void {
    const registration = this.#registrations.get(connection);
    if (registration) {
      this.#registrations.delete(connection);
      this.#state.registrations.delete(registration);
      registration.closed();
    }
    const companion = connection.device?.companion;
    if (companion?.connection === connection) companion.connection = null;
  }
}

function addPhone(state: State, { number, name, is_business = false }: PhoneOptions): Phone {
  const digits = number?.replace(/\D/g, '') ?? freeNumber(state);
  if (state.accounts.has(digits)) throw new Error('The number is taken');
  const lid = lidOf(digits);
  const phone = new PhoneDevice(state, { number: digits, lid, name: name ?? `Phone ${digits.slice(-4)}`, is_business });
  state.accounts.set(digits, phone.account);
  state.by_lid.set(lid, phone.account);
  state.changed();
  return phone;
}

function groupsOf(state: State, number: string): PhoneGroup[] {
  const account = state.accounts.get(number);
  const groups = [...state.groups.values()].filter(({ members }) => account && members.has(account));
  return groups.map(({ id, subject, description, members }) => {
    const people = [...members].map(([member, is_admin]) => ({ number: member.number, is_admin }));
    return { id, subject, description, members: people };
  });
}

function freeNumber(state: State): string {
  let number = FIRST_NUMBER;
  while (state.accounts.has(String(number))) number++;
  return String(number);
}

/** A WhatsApp server that real clients connect to, with the phones of its people. */
export async function startWhatsAppServer(options: WhatsAppOptions = {}): Promise<WhatsAppServer> {
  const { port = 0, host = '127.0.0.1', media = null } = options;
  const storage = await openStorage(options.data_dir, options.root);
  const { root } = storage;
  const state = new State(media);
  storage.restore(state);
  state.changed = () => void storage.save(state).catch((error: unknown) => state.problems.push(error));
  const identity = createServerIdentity(root);
  const handler = new Handler(state);
  const http = createServer((_request, response) => response.writeHead(426).end());
  const sockets = new WebSocketServer({ server: http, path: PATH });
  sockets.on('connection', (socket) => new Connection(socket, identity, handler));
  await new Promise<void>((resolve, reject) => {
    http.once('error', reject);
    http.listen(port, host, resolve);
  });
  const bound = (http.address() as AddressInfo).port;
  const close = async (): Promise<void> => {
    state.watch.close();
    for (const { phone } of state.accounts.values()) phone.close();
    for (const socket of sockets.clients) socket.terminate();
    sockets.close();
    await new Promise((resolve) => http.close(resolve));
    await storage.save(state);
  };
  return {
    url: `ws://${host === '0.0.0.0' ? '127.0.0.1' : host}:${bound}${PATH}`,
    media_url: media?.url ?? null,
    root_public_key: Buffer.from(root.public).toString('base64'),
    phones: () => [...state.accounts.values()].map(({ phone }) => phone),
    addPhone: (input = {}) => addPhone(state, input),
    phone: (number) => state.accounts.get(number.replace(/\D/g, ''))?.phone,
    groups: (number) => groupsOf(state, number),
    faults: state.faults,
    problems: () => [...state.problems],
    close,
    [Symbol.asyncDispose]: close,
  };
}
