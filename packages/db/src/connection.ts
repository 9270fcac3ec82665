import net from 'node:net';
import postgres from 'postgres';
import { connectionErrorCode } from './errors.ts';

export interface ConnectionOptions {
  url: string;
  timeout_ms: number;
  prepare: boolean;
  application_name: string;
}

export interface StatementOptions {
  /** Rows as arrays of values instead of objects. */
  as_arrays?: boolean;
}

/** What postgres.js resolves to: rows, with the command tag beside them. */
export type Rows = unknown[] & { command?: string };

/**
 * One connection to Postgres, opened by its first statement. Statements sent without awaiting travel together, in order.
 * A driver client of its own per connection (`max: 1`) instead of the driver's pool, because that pool sends statements
 * behind a waiting one, loses connections to a failed `reserve()`, and cannot be rid of one dead connection.
 */
export interface Connection {
  /** Sends at once, also if nobody awaits. Parameters of type jsonb: an object or array, or JSON text. */
  send(text: string, params: readonly unknown[], options?: StatementOptions): Promise<Rows>;
  /** False once the connection was lost; the pool then drops it. */
  usable(): boolean;
  /** Ends it politely. */
  close(): Promise<void>;
  /** Gives it up without a word to the server: whatever is in flight fails, the socket is gone at once. */
  kill(): void;
}

/** `timeout_ms` is for connecting; the deadline of a statement is its caller's. */
export function openConnection(options: ConnectionOptions): Connection {
  let socket: net.Socket | undefined;
  let lost = false;
  const sql = postgres(options.url, {
    max: 1,
    prepare: options.prepare,
    // Arrays have their types below, so a new connection asks nothing of the catalogue.
    fetch_types: false,
    connect_timeout: options.timeout_ms / 1000,
    backoff: false,
    max_lifetime: null,
    connection: { application_name: options.application_name, TimeZone: 'UTC', DateStyle: 'ISO' },
    onnotice: () => undefined,
    types: TYPES,
    socket: (parsed: { host: string[]; port: number[]; path?: string | false }) => {
      socket = connectSocket(parsed);
      return socket;
    },
  } as unknown as postgres.Options<Record<string, postgres.PostgresType>>);

  return {
    send: (text, params, { as_arrays = false } = {}) => {
      // Types are the server's to say: the driver would take a list of booleans for a boolean, JSON or not.
      const untyped = params.map((param) => sql.typed(param as never, 0));
      // Without parameters the driver uses the simple protocol, which lets `begin` travel with what follows.
      const query = sql.unsafe(text, untyped, { prepare: options.prepare });
      if (as_arrays) void query.values();
      // A query of postgres.js is lazy: without this, one that nobody awaits is never sent.
      return query.execute().then(undefined, (error: unknown): never => {
        if (connectionErrorCode(error) !== undefined) lost = true;
        throw error;
      });
    },
    usable: () => !lost,
    close: () => sql.end({ timeout: 1 }),
    kill: () => {
      lost = true;
      // `end` fails what is in flight but leaves a half-open socket to the kernel's patience.
      void sql.end({ timeout: 0 }).finally(() => socket?.destroy());
    },
  };
}

function connectSocket(parsed: { host: string[]; port: number[]; path?: string | false }): net.Socket {
  const socket = new net.Socket();
  socket.setNoDelay(true);
  if (parsed.path) return socket.connect(parsed.path);
  // The driver reads `host` for the TLS server name.
  Object.assign(socket, { host: parsed.host[0], port: parsed.port[0] });
  return socket.connect({ port: parsed.port[0] ?? 5432, host: parsed.host[0] });
}

const isoText = (text: string): string => text.replace(' ', 'T').replace(/\+00$/, 'Z');
const quoteElement = (value: unknown): string =>
  value === null ? 'NULL' : `"${(value as string | number | boolean).toString().replace(/[\\"]/g, '\\$&')}"`;
const arrayText = (values: unknown): string =>
  Array.isArray(values) ? `{${values.map(quoteElement).join(',')}}` : String(values);
const elements = (text: string): string[] => (text === '{}' ? [] : text.slice(1, -1).split(','));
/** Of times, which Postgres quotes since there is a space in them. */
const times = (text: string): (string | null)[] =>
  elements(text.replaceAll('"', '')).map((element) => (element === 'NULL' ? null : isoText(element)));

const TYPES = {
  // Text is taken for JSON already made, by us or by drizzle, which stringifies before the driver would.
  json: {
    to: 114,
    from: [114, 3802],
    serialize: (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value)),
    parse: (text: string): unknown => JSON.parse(text),
  },
  // The session is in UTC and ISO. Text keeps the microseconds that a Date would drop.
  date: {
    to: 1184,
    from: [1184],
    serialize: (value: unknown) => (value instanceof Date ? value.toISOString() : String(value)),
    parse: isoText,
  },
  local_date: {
    to: 1082,
    from: [1082, 1114],
    serialize: String,
    parse: (text: string): string => text.replace(' ', 'T'),
  },
  // Counters stay far below 2^53.
  bigint: { to: 20, from: [20], serialize: String, parse: Number },
  uuids: { to: 2951, from: [2951], serialize: arrayText, parse: elements },
  texts: { to: 1009, from: [], serialize: arrayText },
  integers: { to: 1007, from: [], serialize: arrayText },
  bigints: { to: 1016, from: [], serialize: arrayText },
  booleans: { to: 1000, from: [], serialize: arrayText },
  local_times: { to: 1115, from: [1115], serialize: arrayText, parse: times },
  instants: { to: 1185, from: [1185], serialize: arrayText, parse: times },
};
