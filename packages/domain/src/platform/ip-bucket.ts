import { LRUCache } from 'lru-cache';

/** The address by which a caller is counted: an IPv6 one as its /64, which is what one subscriber has. */
export function subscriberAddress(ip: string): string {
  if (!ip.includes(':')) return ip;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip)?.[1];
  if (mapped) return mapped;
  const [head = [], tail = []] = ip.split('::').map((half) => half.split(':').filter(Boolean));
  const zeros = Array<string>(Math.max(0, 8 - head.length - tail.length)).fill('0');
  const prefix = [...head, ...zeros, ...tail].slice(0, 4);
  return `${prefix.map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::`;
}

export interface IpBucket {
  /** Takes one token of `ip`: 0 when there was one, else the milliseconds until there is. */
  take(ip: string): number;
}

interface Bucket {
  tokens: number;
  at: number;
}

/**
 * A token bucket per address, in this process only. It stands in front of everything that costs (the token's signature,
 * Redis, Postgres), so it is generous and bounded: `max_ips` addresses are remembered, the longest silent one forgotten.
 */
export function createIpBucket(options: { per_second: number; max_ips?: number; clock?: () => number }): IpBucket {
  const { per_second, max_ips = 50_000, clock = () => performance.now() } = options;
  const burst = per_second * 2;
  const buckets = new LRUCache<string, Bucket>({ max: max_ips });
  return {
    take(ip) {
      const now = clock();
      const bucket = buckets.get(ip);
      if (!bucket) {
        buckets.set(ip, { tokens: burst - 1, at: now });
        return 0;
      }
      bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) / 1000) * per_second);
      bucket.at = now;
      if (bucket.tokens < 1) return Math.ceil(((1 - bucket.tokens) / per_second) * 1000);
      bucket.tokens -= 1;
      return 0;
    },
  };
}
