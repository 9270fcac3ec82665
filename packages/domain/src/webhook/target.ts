import { AppError } from '../platform/errors.ts';
import { invalidField } from '../platform/parse.ts';
import { isAllowedAddress, type Network } from './rules/address.ts';
import { findUrlFault, hostOf } from './rules/target.ts';

/** Where a host name leads, as addresses. Rejects with an error whose `code` is that of Node's DNS. */
export type Resolve = (hostname: string) => Promise<string[]>;

/** A host that customers may not name: what it leads to is not public. */
export class ForbiddenTargetError extends Error {
  override readonly name = 'ForbiddenTargetError';
  readonly code = 'EFORBIDDENTARGET';

  constructor(hostname: string) {
    super(`${hostname} leads to an address that is not public`);
  }
}

/** Decides what may be connected to for a customer. */
export interface TargetGuard {
  /**
   * The addresses of a host, every one of which may be connected to. To be asked for each connection, which then goes to
   * these addresses and no others: a name that led elsewhere a moment ago gains nothing. Throws `ForbiddenTargetError`, and
   * what `resolve` throws.
   */
  addressesOf(hostname: string): Promise<string[]>;
  /** The URL in its normal form. Throws `request.invalid` with `pointer` for one that cannot be an endpoint. */
  check(url: string, pointer: string): Promise<string>;
}

export interface TargetGuardOptions {
  resolve: Resolve;
  allow_http: boolean;
  allowed_networks: readonly Network[];
}

/** What DNS says of a name that leads nowhere; anything else (no answer in time) says nothing about the name. */
const NO_SUCH_HOST = new Set(['ENOTFOUND', 'ENODATA', 'EBADNAME']);
const LOOPBACK = ['127.0.0.1', '::1'];

export function createTargetGuard({ resolve, allow_http, allowed_networks }: TargetGuardOptions): TargetGuard {
  const isAllowed = (address: string): boolean => isAllowedAddress(address, allowed_networks);

  /** RFC 6761: these names are loopback, whoever answers for them. */
  const resolveName = async (hostname: string): Promise<string[]> =>
    /(^|\.)localhost$/i.test(hostname) ? LOOPBACK.filter(isAllowed) : resolve(hostname);

  const addressesOf: TargetGuard['addressesOf'] = async (hostname) => {
    const literal = isLiteral(hostname);
    const addresses = literal ? [hostname] : await resolveName(hostname);
    if (addresses.length === 0 || !addresses.every(isAllowed)) throw new ForbiddenTargetError(hostname);
    return addresses;
  };

  return {
    addressesOf,
    async check(text, pointer) {
      const fault = findUrlFault(text, { allow_http });
      if (fault !== null) throw invalidField(pointer, fault);
      const url = new URL(text);
      try {
        await addressesOf(hostOf(url));
      } catch (error) {
        if (error instanceof AppError) throw error;
        if (error instanceof ForbiddenTargetError) throw invalidField(pointer, 'Must lead to a public address');
        if (NO_SUCH_HOST.has((error as { code?: string }).code ?? ''))
          throw invalidField(pointer, 'This host does not exist');
        // DNS does not answer now: the delivery will find out.
      }
      const tooLong = findUrlFault(url.href, { allow_http });
      if (tooLong !== null) throw invalidField(pointer, tooLong);
      return url.href;
    },
  };
}

const isLiteral = (hostname: string): boolean => /^[\d.]+$/.test(hostname) || hostname.includes(':');
