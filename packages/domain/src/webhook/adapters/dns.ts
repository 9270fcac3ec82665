import { Resolver } from 'node:dns/promises';
import type { Resolve } from '../target.ts';

const TIMEOUT_MS = 1_500;

/**
 * Asks DNS for A and AAAA. Not `dns.lookup`, which works on the few threads that all file access shares: a few customers
 * whose name servers do not answer would stop them all. It also knows no hosts file and no search domains, so that the
 * names of what runs beside us mean nothing.
 */
export function createResolve(timeout_ms = TIMEOUT_MS): Resolve {
  const resolver = new Resolver({ timeout: timeout_ms, tries: 2, maxTimeout: timeout_ms });
  return async (hostname) => {
    const answers = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)]);
    const addresses = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
    if (addresses.length > 0) return addresses;
    const failures = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason as Error] : []));
    // One that has no address of a kind may have one of the other, about which nothing was heard.
    const unheard = failures.find((failure) => !('code' in failure && failure.code === 'ENODATA'));
    throw unheard ?? failures[0] ?? new Error('The name has no address');
  };
}
