import makeWASocket, {
  type AuthenticationCreds,
  initAuthCreds,
  proto,
  type SignalDataSet,
  type SignalDataTypeMap,
  type UserFacingSocketConfig,
  type WASocket,
} from '@whiskeysockets/baileys';
import '../src/state/crypto-fixes.ts';
import { serveMethods } from './rpc.ts';

/* The baseline: Baileys as it comes, its keys in a Map, nothing stored and nothing told. */

type Logger = NonNullable<UserFacingSocketConfig['logger']>;
const quiet = (): void => undefined;
const logger: Logger = {
  ...{ level: 'silent', child: () => logger, trace: quiet, debug: quiet, info: quiet, warn: quiet, error: quiet },
};
const url = process.env['WHATSAPP_WEB_SOCKET_URL'] ?? '';
const simulator = process.env['SIMULATOR_URL'] ?? '';
const sockets = new Map<string, WASocket>();

function createAuth() {
  const rows = new Map<string, unknown>();
  return {
    creds: initAuthCreds(),
    keys: {
      get: async <T extends keyof SignalDataTypeMap>(type: T, ids: string[]) => {
        const found: Record<string, SignalDataTypeMap[T]> = {};
        for (const id of ids) {
          const value = rows.get(`${type} ${id}`);
          const is_sync_key = type === 'app-state-sync-key';
          if (value !== undefined)
            found[id] = (
              is_sync_key ? proto.Message.AppStateSyncKeyData.fromObject(value as object) : value
            ) as SignalDataTypeMap[T];
        }
        return found;
      },
      set: async (data: SignalDataSet) => {
        for (const [type, values] of Object.entries(data))
          for (const [id, value] of Object.entries(values)) {
            if (value === null) rows.delete(`${type} ${id}`);
            else rows.set(`${type} ${id}`, value);
          }
      },
    },
  };
}

const connect = (auth: { creds: AuthenticationCreds; keys: ReturnType<typeof createAuth>['keys'] }): WASocket => {
  const socket = makeWASocket({
    ...{ waWebSocketUrl: url, auth, logger, syncFullHistory: false, markOnlineOnConnect: false },
  });
  socket.ev.on('creds.update', (update) => Object.assign(auth.creds, update));
  return socket;
};

const until = (socket: WASocket, state: 'open' | 'close') =>
  new Promise<void>((resolve) => {
    socket.ev.on('connection.update', ({ connection }) => connection === state && resolve());
  });

async function link(number: string): Promise<void> {
  const auth = createAuth();
  const first = connect(auth);
  const closed = until(first, 'close');
  const qr = await new Promise<string>((resolve) => {
    first.ev.on('connection.update', (update) => update.qr !== undefined && resolve(update.qr));
  });
  await fetch(simulator, { method: 'POST', body: JSON.stringify({ method: 'scan', args: [number, qr] }) });
  await closed;
  const socket = connect(auth);
  await until(socket, 'open');
  sockets.set(number, socket);
}

serveMethods({
  async link(numbers: string[]) {
    const left = [...numbers];
    const work = async (): Promise<void> => {
      for (let number = left.pop(); number; number = left.pop()) await link(number);
    };
    await Promise.all(Array.from({ length: 8 }, work));
  },
  async send(from: string, to: string[], count: number, prefix: string) {
    const left = Array.from({ length: count }, (_, n) => n);
    const work = async (): Promise<void> => {
      for (let n = left.shift(); n !== undefined; n = left.shift()) {
        await sockets.get(from)?.sendMessage(`${to[n % to.length]}@s.whatsapp.net`, { text: `${prefix} ${n}` });
      }
    };
    await Promise.all(Array.from({ length: 32 }, work));
  },
});
