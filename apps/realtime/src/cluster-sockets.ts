import type { Logger } from '@potentia/config/logger';
import { deadline, type RedisClient } from '@potentia/domain/platform/adapters/redis';

const KEY = 'ws:sockets';
const INTERVAL_MS = 2_000;
const LEASE_MS = 10_000;

/**
 * KEYS[1] the hash of replica to `expires_at count` · ARGV replica, count (-1 = sign off), lease in ms. On Redis's clock,
 * the only one that all replicas share. Returns the sum over replicas whose lease stands.
 */
const SCRIPT = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if tonumber(ARGV[2]) < 0 then
  redis.call('HDEL', KEYS[1], ARGV[1])
else
  redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f %d', now + ARGV[3], ARGV[2]))
end
local sum = 0
local leases = redis.call('HGETALL', KEYS[1])
for i = 1, #leases, 2 do
  local expires_at, count = string.match(leases[i + 1], '^(%d+) (%d+)$')
  if tonumber(expires_at) < now then redis.call('HDEL', KEYS[1], leases[i]) else sum = sum + count end
end
redis.call('PEXPIRE', KEYS[1], ARGV[3] * 4)
return sum
`;

export interface ClusterSocketsOptions {
  redis: RedisClient;
  replica_id: string;
  timeout_ms: number;
  log: Logger;
  count: () => number;
  onSum: (sum: number) => void;
}

/**
 * Counts the sockets of the whole cluster: each replica renews a lease with its own number and reads the sum. A replica
 * that dies is out of the sum when its lease ends; while Redis is away the last sum stands.
 */
export function startClusterSockets(options: ClusterSocketsOptions): { stop(): Promise<void> } {
  const { redis, replica_id, timeout_ms, log, count, onSum } = options;

  async function renew(sockets: number): Promise<void> {
    try {
      const sum = await deadline(redis.eval(SCRIPT, 1, KEY, replica_id, sockets, LEASE_MS), timeout_ms);
      onSum(Number(sum));
    } catch (error) {
      log.debug({ err: error }, 'could not renew the lease on sockets');
    }
  }

  const timer = setInterval(() => void renew(count()), INTERVAL_MS);
  timer.unref();
  redis.on('ready', () => void renew(count()));
  void renew(count());
  return {
    async stop() {
      clearInterval(timer);
      await renew(-1);
    },
  };
}
