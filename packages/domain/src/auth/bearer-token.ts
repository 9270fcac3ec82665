/** The token of an `Authorization: Bearer …` header (RFC 6750); `undefined` for any other scheme. */
export const bearerToken = (header: string | undefined): string | undefined =>
  header !== undefined && /^bearer /i.test(header) ? header.slice(7).trim() : undefined;
