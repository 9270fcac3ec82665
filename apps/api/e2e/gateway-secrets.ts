import { createDecipheriv } from 'node:crypto';
import type { TestDatabase } from '@potentia/db/testing/database';
import type { RedisClient } from '@potentia/domain/platform/adapters/redis';
import { ENCRYPTION_KEY } from './gateway-stack.ts';

/* Everything that the gateway keeps, as text, and what must not stand in it. */

/** Every row of every table of both schemas, by the table's name. */
export async function tablesAsText({ asOwner }: TestDatabase): Promise<Map<string, string>> {
  const tables = await asOwner<{ name: string }>(
    `select format('%I.%I', n.nspname, c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname in ('app', 'wa') and c.relkind in ('r', 'p', 'm') and not c.relispartition order by 1`,
  );
  const found = new Map<string, string>();
  for (const { name } of tables) {
    const [row] = await asOwner<{ text: string }>(
      `select coalesce(string_agg(t::text, E'\\n'), '') as text from ${name} t`,
    );
    found.set(name, row!.text);
  }
  return found;
}

/** Every key of Redis with what it holds, whatever its type. */
export async function redisAsText(redis: RedisClient): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const key of await redis.keys('*')) {
    const type = await redis.type(key);
    const held = await read(redis, type, key);
    found.set(key, `${key} ${JSON.stringify(held)}`);
  }
  return found;
}

function read(redis: RedisClient, type: string, key: string): Promise<unknown> {
  switch (type) {
    case 'string':
      return redis.get(key);
    case 'hash':
      return redis.hgetall(key);
    case 'list':
      return redis.lrange(key, 0, -1);
    case 'set':
      return redis.smembers(key);
    case 'zset':
      return redis.zrange(key, '0', '-1');
    case 'stream':
      return redis.xrange(key, '-', '+');
    // It was gone before it could be read.
    case 'none':
      return Promise.resolve(null);
    default:
      throw new Error(`Redis holds a ${type}, which nobody looks into here`);
  }
}

/** Names of the texts in which one of the secrets stands, with what kind of secret it is. */
export function leaks(
  texts: ReadonlyMap<string, string>,
  secrets: Readonly<Record<string, readonly string[]>>,
): string[] {
  return [...texts].flatMap(([name, text]) =>
    Object.entries(secrets).flatMap(([kind, values]) =>
      values.some((value) => text.includes(value)) ? [`${kind} in ${name}`] : [],
    ),
  );
}

/** The private halves, roots and chains in the credentials and the Signal keys of a session, in each way that a log or a column may write them. */
export async function privateKeys({ asOwner }: TestDatabase, session_id: string): Promise<string[]> {
  const rows = await asOwner<{ type: string; id: string; value: Buffer; kid: string }>(
    `select 'creds' as type, '' as id, creds as value, kid from wa.sessions where session_id = $1
     union all (select type, id, value, kid from wa.signal_keys where session_id = $1 and type <> 'pre-key')
     union all (select type, id, value, kid from wa.signal_keys where session_id = $1 and type = 'pre-key' limit 20)`,
    [session_id],
  );
  const bytes = rows.flatMap(({ type, id, value, kid }) =>
    secretBytes(open(value, [kid, session_id, type, id]), false),
  );
  return [...new Set(bytes.flatMap(writings))];
}

/** What the worker has sealed, for whoever has its key: nonce, tag, ciphertext, bound to its place. */
function open(sealed: Buffer, place: string[]): unknown {
  const decipher = createDecipheriv('aes-256-gcm', Buffer.from(ENCRYPTION_KEY, 'base64'), sealed.subarray(0, 12));
  decipher.setAAD(Buffer.from(JSON.stringify(['wa.v1', ...place]))).setAuthTag(sealed.subarray(12, 28));
  return JSON.parse(Buffer.concat([decipher.update(sealed.subarray(28)), decipher.final()]).toString('utf8'));
}

const SECRET = /priv|rootKey|chainKey|advSecretKey|senderChainKey|seed|keyData/i;
const KEY_BYTES = 32;

/** Values below names that are secret, as far as they are keys. */
function secretBytes(value: unknown, is_secret: boolean): Buffer[] {
  if (typeof value === 'string') {
    const bytes = Buffer.from(value, 'base64');
    return is_secret && bytes.length >= KEY_BYTES ? [bytes] : [];
  }
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, part]) => secretBytes(part, is_secret || SECRET.test(name)));
}

/** As base64 of either alphabet, as hex, and as the numbers of a list. */
const writings = (bytes: Buffer): string[] => [
  bytes.toString('base64').replace(/=+$/, ''),
  bytes.toString('base64url'),
  bytes.toString('hex'),
  [...bytes].join(','),
];
