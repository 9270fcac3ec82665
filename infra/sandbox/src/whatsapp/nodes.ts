import {
  type BinaryNode,
  getBinaryNodeChild,
  getBinaryNodeChildren,
  jidDecode,
  jidEncode,
} from '@whiskeysockets/baileys';

export type Attributes = Record<string, string | undefined>;

/** Which of an account's two names a chat goes by: its phone number, or the id that hides it. */
export type Addressing = 'pn' | 'lid';

export const SERVER = 's.whatsapp.net';

/** A stanza or a part of one; attributes that are undefined are left out. */
export function node(tag: string, attrs: Attributes = {}, content?: BinaryNode['content']): BinaryNode {
  const given = Object.entries(attrs).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return { tag, attrs: Object.fromEntries(given), content };
}

export function child(parent: BinaryNode | undefined, tag: string): BinaryNode | undefined {
  return getBinaryNodeChild(parent, tag);
}

export function children(parent: BinaryNode | undefined, tag: string): BinaryNode[] {
  return getBinaryNodeChildren(parent, tag);
}

/** The bytes in a node; empty when there are none. */
export function bytes(of: BinaryNode | undefined): Buffer {
  const content = of?.content;
  if (typeof content === 'string') return Buffer.from(content);
  return content instanceof Uint8Array ? Buffer.from(content) : Buffer.alloc(0);
}

export function childBytes(parent: BinaryNode | undefined, tag: string): Buffer {
  return bytes(child(parent, tag));
}

/** The number in a node of some bytes, big endian. */
export function childInteger(parent: BinaryNode | undefined, tag: string): number {
  const content = childBytes(parent, tag);
  return content.length === 0 ? 0 : content.readUIntBE(0, content.length);
}

export function integerBytes(value: number, length: number): Buffer {
  const result = Buffer.alloc(length);
  result.writeUIntBE(value, 0, length);
  return result;
}

export interface Jid {
  user: string;
  server: string;
  /** 0 is the phone itself. */
  device: number;
}

export function parseJid(text: string | undefined): Jid | undefined {
  const decoded = jidDecode(text);
  return decoded && { user: decoded.user, server: decoded.server, device: decoded.device ?? 0 };
}

export function addressingOf(jid: string | undefined): Addressing {
  return parseJid(jid)?.server === 'lid' ? 'lid' : 'pn';
}

export function isGroupJid(jid: string | undefined): boolean {
  return parseJid(jid)?.server === 'g.us';
}

export function numberJid(number: string, device = 0): string {
  return jidEncode(number, SERVER, device);
}

export function lidJid(lid: string, device = 0): string {
  return jidEncode(lid, 'lid', device);
}

/** The jid of an account's device under the one name or the other. */
export function jidOf(account: { number: string; lid: string }, addressing: Addressing, device = 0): string {
  return addressing === 'lid' ? lidJid(account.lid, device) : numberJid(account.number, device);
}

/** Seconds since the epoch, as stanzas carry them. */
export function now(): string {
  return String(Math.floor(Date.now() / 1000));
}
