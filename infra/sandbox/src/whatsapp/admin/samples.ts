import { crc32, deflateSync } from 'node:zlib';
import type { MediaKind } from '../media-content.ts';

export interface Sample {
  bytes: Buffer;
  mime_type: string;
  file_name?: string;
  seconds?: number;
}

const PICTURE_SIZE = 128;
const VOICE_SECONDS = 2;

function pngChunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length);
  body.copy(framed, 4);
  framed.writeUInt32BE(crc32(body), body.length + 4);
  return framed;
}

/** A square of two colours that run into each other, as PNG. */
function picture(): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(PICTURE_SIZE, 0);
  header.writeUInt32BE(PICTURE_SIZE, 4);
  // 8 bits for each of red, green and blue.
  header.set([8, 2], 8);
  const row_length = 1 + 3 * PICTURE_SIZE;
  const rows = Buffer.alloc(PICTURE_SIZE * row_length);
  for (let y = 0; y < PICTURE_SIZE; y++) {
    for (let x = 0; x < PICTURE_SIZE; x++) rows.set([2 * x, 2 * y, 160], y * row_length + 1 + 3 * x);
  }
  const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
  const chunks = [pngChunk('IHDR', header), pngChunk('IDAT', deflateSync(rows)), pngChunk('IEND', Buffer.alloc(0))];
  return Buffer.concat([signature, ...chunks]);
}

/** The checksum of an Ogg page: CRC-32 with the polynomial 04c11db7, from the highest bit, nothing inverted. */
function oggChecksum(page: Buffer): number {
  let sum = 0;
  for (const byte of page) {
    sum ^= byte << 24;
    for (let bit = 0; bit < 8; bit++) sum = sum & 0x80000000 ? (sum << 1) ^ 0x04c11db7 : sum << 1;
  }
  return sum >>> 0;
}

function oggPage(packets: Buffer[], number: number, position: number, flags: number): Buffer {
  const header = Buffer.alloc(27);
  header.write('OggS', 'latin1');
  header[5] = flags;
  header.writeBigUInt64LE(BigInt(position), 6);
  header.writeUInt32LE(1, 14);
  header.writeUInt32LE(number, 18);
  header[26] = packets.length;
  const page = Buffer.concat([header, Buffer.from(packets.map(({ length }) => length)), ...packets]);
  page.writeUInt32LE(oggChecksum(page), 22);
  return page;
}

/** Silence, as voice messages are: Opus in Ogg. */
function voice(): Buffer {
  const rate = 48_000;
  const frame = rate / 50;
  const head = Buffer.from('OpusHead\x01\x01\0\0\0\0\0\0\0\0\0', 'latin1');
  head.writeUInt32LE(rate, 12);
  const tags = Buffer.from('OpusTags\x07\0\0\0sandbox\0\0\0\0', 'latin1');
  const second = Array.from({ length: 50 }, () => Buffer.from([0xf8, 0xff, 0xfe]));
  const sound = Array.from({ length: VOICE_SECONDS }, (_, index) => {
    const is_last = index === VOICE_SECONDS - 1;
    return oggPage(second, index + 2, (index + 1) * 50 * frame, is_last ? 4 : 0);
  });
  return Buffer.concat([oggPage([head], 0, 0, 2), oggPage([tags], 1, 0, 0), ...sound]);
}

const PDF_PARTS = [
  '<</Type/Catalog/Pages 2 0 R>>',
  '<</Type/Pages/Kids[3 0 R]/Count 1>>',
  '<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 100]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>',
  '<</Length 46>>stream\nBT /F 18 Tf 20 45 Td (A document to try) Tj ET\nendstream',
  '<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>',
];

/** A page with a line on it, as PDF. */
function pdf(): Buffer {
  let text = '%PDF-1.4\n';
  const offsets = PDF_PARTS.map((part, index) => {
    const offset = text.length;
    text += `${index + 1} 0 obj${part}endobj\n`;
    return `${String(offset).padStart(10, '0')} 00000 n \n`;
  });
  const count = PDF_PARTS.length + 1;
  const table = `xref\n0 ${count}\n0000000000 65535 f \n${offsets.join('')}`;
  const trailer = `trailer<</Size ${count}/Root 1 0 R>>\nstartxref\n${text.length}\n%%EOF\n`;
  return Buffer.from(text + table + trailer, 'latin1');
}

/** A small file of that kind, for whoever has none at hand; undefined for kinds of which there is none. */
export function sampleOf(kind: MediaKind): Sample | undefined {
  switch (kind) {
    case 'image':
      return { bytes: picture(), mime_type: 'image/png' };
    case 'voice':
    case 'audio':
      return { bytes: voice(), mime_type: 'audio/ogg; codecs=opus', seconds: VOICE_SECONDS };
    case 'document':
      return { bytes: pdf(), mime_type: 'application/pdf', file_name: 'document.pdf' };
    case 'video':
    case 'sticker':
      return undefined;
  }
}
