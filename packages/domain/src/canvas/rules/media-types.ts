/** A media type without parameters. */
export const MEDIA_TYPE = /^[a-z0-9][a-z0-9.+-]*\/[a-z0-9][a-z0-9.+-]*$/;

/** Whether a type is on a list whose entries may end with `*`. */
export function isListedType(media_type: string, types: readonly string[]): boolean {
  return types.some((type) =>
    type.endsWith('*') ? media_type.startsWith(type.slice(0, -1)) : media_type === type.toLowerCase(),
  );
}

/** What a browser would run, or might, where it is shown in place. */
const ACTIVE =
  /^(text\/(html|xml|javascript|ecmascript|xsl)|image\/svg\+xml|application\/(.*\+)?(xml|xhtml|javascript|ecmascript|wasm|x-shockwave-flash).*|multipart\/.*|message\/.*)$/;

/** The type under which a file is handed out: of what can act, none that says so. */
export function safeType(media_type: string): string {
  return ACTIVE.test(media_type) ? 'application/octet-stream' : media_type;
}

/** Families of which the first bytes tell no more than the family. */
const FAMILIES: { seen: RegExp; declared: RegExp }[] = [
  { seen: /^application\/zip$/, declared: /^application\/(zip|epub\+zip|vnd\.(openxmlformats|oasis)[^;]*)$/ },
  { seen: /^application\/vnd\.openxmlformats/, declared: /^application\/vnd\.openxmlformats/ },
  { seen: /^application\/vnd\.oasis/, declared: /^application\/vnd\.oasis/ },
  { seen: /^application\/x-cfb$/, declared: /^application\/(msword|vnd\.ms-[a-z-]+)$/ },
  { seen: /^(audio|video)\/|^application\/(ogg|mp4)$/, declared: /^(audio|video)\/|^application\/(ogg|mp4)$/ },
  { seen: /^image\/hei[cf]/, declared: /^image\/hei[cf]/ },
  { seen: /^image\/(png|apng)$/, declared: /^image\/(png|apng)$/ },
  { seen: /^font\/|vnd\.ms-fontobject/, declared: /^font\// },
  { seen: /^application\/(x-)?(gzip|compressed-tar)$/, declared: /^application\/(x-)?gzip$/ },
  { seen: /^(application\/(rtf|xml|json)|text\/.*)$/, declared: /^(application\/(rtf|json)|text\/.*)$/ },
];

/** Types that have no mark of their own at the beginning. */
const MARKLESS = /^(text\/|application\/(json|x-ndjson|yaml|toml)$)/;

/**
 * Whether a file that begins with `head` can be of the type that was declared. `seen`: the type that its first bytes are
 * the mark of; null when they are none that is known.
 */
export function canBeType(declared: string, seen: string | null, head: Uint8Array): boolean {
  if (seen === declared) return true;
  if (seen !== null) return FAMILIES.some((family) => family.seen.test(seen) && family.declared.test(declared));
  if (MARKLESS.test(declared)) return !head.includes(0);
  // Every picture, document and archive that is known has its mark.
  return !/^(image|audio|video|font)\/|^application\/(pdf|zip|gzip|rtf|msword|vnd\.)/.test(declared);
}
