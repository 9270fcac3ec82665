import makeWASocket, {
  type AuthenticationCreds,
  type BaileysEventMap,
  initAuthCreds,
  proto,
  type SignalDataSet,
  type SignalDataTypeMap,
  type UserFacingSocketConfig,
  type WAMessage,
} from '@whiskeysockets/baileys';
import { Watch } from '../whatsapp/watch.ts';

type Socket = ReturnType<typeof makeWASocket>;
type Logger = NonNullable<UserFacingSocketConfig['logger']>;

const WAIT_MS = 15_000;
const quiet = (): void => undefined;
const LOGGER: Logger = {
  level: 'silent',
  child: () => LOGGER,
  trace: quiet,
  debug: quiet,
  info: quiet,
  warn: quiet,
  error: quiet,
};

/** What libsignal writes to the console, with keys in it. */
const LIBSIGNAL =
  /^(Closing session|Opening session|Session already|Removing old|Closing open|Decrypted message|Failed to decrypt|Session error)/;

for (const method of ['info', 'warn', 'error'] as const) {
  const original = console[method].bind(console);
  console[method] = (...args: unknown[]) => {
    if (typeof args[0] !== 'string' || !LIBSIGNAL.test(args[0])) original(...args);
  };
}

/** What a client keeps between connections. */
export class BaileysAuth {
  creds: AuthenticationCreds = initAuthCreds();
  readonly rows = new Map<string, unknown>();

  readonly keys = {
    get: async <T extends keyof SignalDataTypeMap>(type: T, ids: string[]) => {
      const found: Record<string, SignalDataTypeMap[T]> = {};
      for (const id of ids) {
        const value = this.rows.get(`${type} ${id}`);
        if (value === undefined) continue;
        const is_key = type === 'app-state-sync-key';
        found[id] = (
          is_key ? proto.Message.AppStateSyncKeyData.fromObject(value as object) : value
        ) as SignalDataTypeMap[T];
      }
      return found;
    },
    set: async (data: SignalDataSet) => {
      for (const [type, values] of Object.entries(data)) {
        for (const [id, value] of Object.entries(values)) {
          if (value === null) this.rows.delete(`${type} ${id}`);
          else this.rows.set(`${type} ${id}`, value);
        }
      }
    },
  };
}

export interface Close {
  code: number;
  message: string;
}

/** Stock Baileys, as its users run it, with what it reported. */
export class BaileysClient implements AsyncDisposable {
  readonly auth: BaileysAuth;
  readonly #url: string;
  readonly #config: Partial<UserFacingSocketConfig>;
  readonly #watch = new Watch();
  socket!: Socket;
  qrs: string[] = [];
  closes: Close[] = [];
  opened = 0;
  upserts: { message: WAMessage; type: string }[] = [];
  updates: BaileysEventMap['messages.update'] = [];
  presences: BaileysEventMap['presence.update'][] = [];
  group_changes: BaileysEventMap['group-participants.update'][] = [];
  history: BaileysEventMap['messaging-history.set'][] = [];
  acks: Record<string, string>[] = [];

  constructor(url: string, auth = new BaileysAuth(), config: Partial<UserFacingSocketConfig> = {}) {
    this.#url = url;
    this.auth = auth;
    this.#config = config;
    this.connect();
  }

  /** Connects anew, with what it has kept. */
  connect(): void {
    const { auth } = this;
    const state = { creds: auth.creds, keys: auth.keys };
    const socket = makeWASocket({ waWebSocketUrl: this.#url, auth: state, logger: LOGGER, ...this.#config });
    this.socket = socket;
    const { ev } = socket;
    ev.on('creds.update', (update) => Object.assign(auth.creds, update));
    ev.on('connection.update', ({ qr, connection, lastDisconnect }) => {
      if (qr) this.qrs.push(qr);
      if (connection === 'open') this.opened += 1;
      if (connection === 'close') {
        const error = lastDisconnect?.error as { message: string; output?: { statusCode: number } } | undefined;
        this.closes.push({ code: error?.output?.statusCode ?? 0, message: error?.message ?? '' });
      }
      this.#watch.changed();
    });
    ev.on('messages.upsert', ({ messages, type }) => {
      this.upserts.push(...messages.map((message) => ({ message, type })));
      this.#watch.changed();
    });
    this.#listen(ev, 'messages.update', (updates) => this.updates.push(...updates));
    this.#listen(ev, 'presence.update', (presence) => this.presences.push(presence));
    this.#listen(ev, 'group-participants.update', (change) => this.group_changes.push(change));
    this.#listen(ev, 'messaging-history.set', (history) => this.history.push(history));
    socket.ws.on('CB:ack,class:message', ({ attrs }: { attrs: Record<string, string> }) => {
      this.acks.push(attrs);
      this.#watch.changed();
    });
  }

  #listen<E extends keyof BaileysEventMap>(ev: Socket['ev'], name: E, keep: (event: BaileysEventMap[E]) => void): void {
    ev.on(name, (event) => {
      keep(event);
      this.#watch.changed();
    });
  }

  until<T>(find: () => T | undefined, what = 'what the client reports'): Promise<T> {
    return this.#watch.until(find, WAIT_MS, what);
  }

  /** The QR code that it shows first, or after those that were seen. */
  qr(seen = 0): Promise<string> {
    return this.until(() => this.qrs[seen], 'a QR code');
  }

  /** How the connection ended: the first time, or after those that were seen. */
  closed(seen = 0): Promise<Close> {
    return this.until(() => this.closes[seen], 'the end of the connection');
  }

  /** It is logged in: the first time, or after those that were seen. */
  open(seen = 0): Promise<true> {
    return this.until(() => (this.opened > seen ? true : undefined), 'a login');
  }

  /** A message that it took for new, or that it sent itself. */
  message(predicate: (message: WAMessage) => boolean): Promise<WAMessage> {
    return this.until(() => this.upserts.find(({ message }) => predicate(message))?.message, String(predicate));
  }

  /** A message that it sent has come that far (3: delivered, 4: read), whichever way the client reports it. */
  status(id: string | null | undefined, least: number): Promise<true> {
    const of = (): number[] => [
      ...this.updates.filter(({ key }) => key.id === id).map(({ update }) => Number(update.status)),
      ...this.upserts.filter(({ message }) => message.key.id === id).map(({ message }) => Number(message.status)),
    ];
    const reached = (): true | undefined => (of().some((status) => status >= least) ? true : undefined);
    return this.until(reached, `status ${least}`);
  }

  text(text: string): Promise<WAMessage> {
    return this.message(({ message }) => (message?.conversation ?? message?.extendedTextMessage?.text) === text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.socket.end(undefined);
    this.#watch.close();
  }
}

/** A client that `scan` has linked, logged in. */
export async function linkedClient(
  url: string,
  scan: (qr: string) => Promise<void>,
  config: Partial<UserFacingSocketConfig> = {},
): Promise<BaileysClient> {
  const client = new BaileysClient(url, new BaileysAuth(), config);
  await scan(await client.qr());
  await client.closed();
  client.connect();
  await client.open();
  return client;
}
