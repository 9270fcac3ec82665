import { asciiDomainName, isDomainName } from './domain-name.ts';

// What mailboxes are called in practice (RFC 5322 dot-atom); quoted and non-ASCII local parts are refused.
const LOCAL = /^(?=.{1,64}$)[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/;

/**
 * The form in which e-mail addresses are compared and kept: lower-case, the domain (after the last @) in ASCII.
 * Undefined for what is no address.
 */
export function normalAddress(text: string): string | undefined {
  const at = text.lastIndexOf('@');
  const local = text.slice(0, Math.max(at, 0)).toLowerCase();
  const domain = asciiDomainName(text.slice(at + 1));
  return LOCAL.test(local) && isDomainName(domain) ? `${local}@${domain}` : undefined;
}
