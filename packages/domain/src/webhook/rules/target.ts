/** Below this only the ports of the web: what else listens there is no web server. */
const FIRST_UNPRIVILEGED_PORT = 1_024;
const MAX_URL = 2_000;

export interface TargetRules {
  /** Plain HTTP too: anybody on the way can read and change what is sent. */
  allow_http: boolean;
}

/** Why a URL cannot be an endpoint, whatever its host resolves to; null when it can. */
export function findUrlFault(text: string, { allow_http }: TargetRules): string | null {
  if (text.length > MAX_URL) return `At most ${MAX_URL} characters`;
  if (!URL.canParse(text)) return 'Must be a URL';
  const url = new URL(text);
  if (url.protocol !== 'https:' && !(allow_http && url.protocol === 'http:'))
    return allow_http ? 'Must be an http(s) URL' : 'Must be an https URL';
  if (url.username !== '' || url.password !== '') return 'Must hold no credentials';
  if (url.hash !== '') return 'Must have no fragment';
  const port = url.port === '' ? undefined : Number(url.port);
  if (port !== undefined && port !== 80 && port !== 443 && port < FIRST_UNPRIVILEGED_PORT)
    return 'The port must be 80, 443 or above 1023';
  return null;
}

/** The host of a URL as one looks it up or connects to it: without the brackets of IPv6 and the dot at its end. */
export const hostOf = (url: URL): string => url.hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
