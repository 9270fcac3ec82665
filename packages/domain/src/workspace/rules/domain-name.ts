const LABELS = /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$/;

/**
 * The form in which domain names are compared: lower-case, ASCII (IDNA, so `münchen.example` is `xn--mnchen-3ya.example`).
 * What is no domain name of two labels or more comes back as it is, for `isDomainName` to refuse.
 */
export function asciiDomainName(text: string): string {
  if (/[\s/?#@:%\\]/.test(text)) return text;
  const url = `http://${text}`;
  return URL.canParse(url) ? new URL(url).hostname : text;
}

/** Whether this is a domain name in ASCII, of two labels or more, and no IP address (RFC 1035 2.3.1, RFC 3696 2). */
export const isDomainName = (text: string): boolean => LABELS.test(text);
