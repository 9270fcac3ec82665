import ipaddr from 'ipaddr.js';

/** A network as it is written: `10.0.0.0/8`, `fd00::/8`. */
export type Network = string;

/** Addresses that are no different from others by their range, and yet are inside of somebody's cloud. */
const INSIDE = new Set(['168.63.129.16']);
/** What is global unicast of IPv6 (RFC 4291 2.4, as far as IANA gave any of it out). */
const GLOBAL_UNICAST = ipaddr.parseCIDR('2000::/3') as [ipaddr.IPv6, number];
/** The prefix of NAT64 that stands for a public IPv4 address, which its last 32 bits are (RFC 6052). */
const NAT64 = ipaddr.parseCIDR('64:ff9b::/96') as [ipaddr.IPv6, number];

/**
 * Whether what customers name may be connected to at this address: only where anybody on the internet could, or where
 * `allowed` says so. Loopback, private, link-local (there the metadata of clouds are), carrier-grade NAT, multicast,
 * unspecified, reserved and tunnelled (6to4, Teredo) addresses are refused, in whatever form they are written; an IPv4
 * address inside an IPv6 one (mapped, NAT64) counts as what it is. What is no address at all is refused.
 */
export function isAllowedAddress(text: string, allowed: readonly Network[]): boolean {
  // Not the short and octal forms of IPv4: what reads them otherwise than we do would connect elsewhere.
  if (!ipaddr.IPv4.isValidFourPartDecimal(text) && !ipaddr.IPv6.isValid(text)) return false;
  const address = unwrap(ipaddr.parse(text));
  if (allowed.some((network) => contains(network, address))) return true;
  if (INSIDE.has(address.toString()) || address.range() !== 'unicast') return false;
  return address instanceof ipaddr.IPv4 || address.match(GLOBAL_UNICAST);
}

/** Whether this is a network as `isAllowedAddress` takes it. */
export const isNetwork = (text: string): boolean => ipaddr.isValidCIDR(text);

function unwrap(address: ipaddr.IPv4 | ipaddr.IPv6): ipaddr.IPv4 | ipaddr.IPv6 {
  if (address instanceof ipaddr.IPv4) return address;
  if (address.isIPv4MappedAddress()) return address.toIPv4Address();
  return address.match(NAT64) ? new ipaddr.IPv4(address.toByteArray().slice(12)) : address;
}

function contains(network: Network, address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  const [base, bits] = ipaddr.parseCIDR(network);
  if (address instanceof ipaddr.IPv4) return base instanceof ipaddr.IPv4 && address.match(base, bits);
  return base instanceof ipaddr.IPv6 && address.match(base, bits);
}
