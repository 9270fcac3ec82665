import { createCipheriv, createHash, createHmac, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import fc from 'fast-check';
import { proto } from '@whiskeysockets/baileys';
import { describe, expect, it } from 'vitest';
import { mediaAddress, mediaSourceOf } from './media-source.ts';
import { decryptMedia, encryptedSize, MediaCorruptError, MediaTooLargeError } from './media-stream.ts';

const secretsOf = (plain: Buffer | null) => ({
  iv: randomBytes(16),
  cipher_key: randomBytes(32),
  mac_key: randomBytes(32),
  sha256: plain && createHash('sha256').update(plain).digest(),
});

/** As phones do: AES-256-CBC, then the first ten bytes of the HMAC over IV and ciphertext. */
function encrypt(plain: Buffer, { iv, cipher_key, mac_key }: ReturnType<typeof secretsOf>): Buffer {
  const cipher = createCipheriv('aes-256-cbc', cipher_key, iv);
  const ciphertext = Buffer.concat([cipher.update(plain), cipher.final()]);
  const mac = createHmac('sha256', mac_key).update(iv).update(ciphertext).digest();
  return Buffer.concat([ciphertext, mac.subarray(0, 10)]);
}

async function decrypt(
  bytes: Buffer,
  secrets: ReturnType<typeof secretsOf>,
  max_bytes = 1e6,
  chunk = 7,
): Promise<Buffer> {
  const out: Buffer[] = [];
  const chunks = Array.from({ length: Math.ceil(bytes.length / chunk) }, (_, i) =>
    bytes.subarray(i * chunk, (i + 1) * chunk),
  );
  const stream = decryptMedia(secrets, max_bytes);
  stream.on('data', (part: Buffer) => out.push(part));
  await pipeline(Readable.from(chunks), stream);
  return Buffer.concat(out);
}

describe('a file on its way', () => {
  it('is what was sent, however it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 1, max: 64 }), async (bytes, chunk) => {
        const plain = Buffer.from(bytes);
        const secrets = secretsOf(plain);
        const encrypted = encrypt(plain, secrets);
        expect(encrypted.length).toBe(encryptedSize(plain.length));
        expect((await decrypt(encrypted, secrets, 1e6, chunk)).equals(plain)).toBe(true);
      }),
    );
  });

  it('is refused when a bit of it, its MAC or its hash is another', async () => {
    const plain = randomBytes(100);
    const secrets = secretsOf(plain);
    const encrypted = encrypt(plain, secrets);
    for (const at of [0, 50, encrypted.length - 1]) {
      const changed = Buffer.from(encrypted);
      changed[at]! ^= 1;
      await expect(decrypt(changed, secrets)).rejects.toBeInstanceOf(MediaCorruptError);
    }
    const other = { ...secrets, sha256: randomBytes(32) };
    await expect(decrypt(encrypted, other)).rejects.toBeInstanceOf(MediaCorruptError);
    await expect(decrypt(encrypted.subarray(0, 8), secrets)).rejects.toBeInstanceOf(MediaCorruptError);
  });

  it('ends when it is larger than what is kept', async () => {
    const plain = randomBytes(1_000);
    const secrets = secretsOf(null);
    await expect(decrypt(encrypt(plain, secrets), secrets, 999)).rejects.toBeInstanceOf(MediaTooLargeError);
    expect(await decrypt(encrypt(plain, secrets), secrets, 1_000)).toHaveLength(1_000);
  });
});

describe('the address of a file', () => {
  const source = (path: string, url: string | null) =>
    mediaSourceOf(
      proto.Message.encode({
        imageMessage: { mediaKey: new Uint8Array(32), directPath: path, ...(url && { url }) },
      }).finish(),
    );
  const addressOf = async (path: string, url: string | null, hosts: string[] = []) => {
    const found = await source(path, url);
    return found && mediaAddress(found, hosts)?.href;
  };

  it('is at WhatsApp', async () => {
    expect(await addressOf('/v/t1?a=b', 'https://mmg.whatsapp.net/other')).toBe('https://mmg.whatsapp.net/v/t1?a=b');
    expect(await addressOf('/v/t1', 'https://media.fcgk4-1.fna.whatsapp.net/x')).toBe(
      'https://media.fcgk4-1.fna.whatsapp.net/v/t1',
    );
    expect(await addressOf('/v/t1', null)).toBe('https://mmg.whatsapp.net/v/t1');
  });

  it('is never where a stranger says', async () => {
    for (const url of [
      'http://169.254.169.254/latest',
      'https://whatsapp.net.evil.example/',
      'https://evilwhatsapp.net/',
    ])
      expect(await addressOf('/v/t1', url)).toBe('https://mmg.whatsapp.net/v/t1');
    for (const path of [
      '@evil.example/x',
      '//evil.example/x',
      '\\\\evil.example/x',
      'http://evil.example',
      '.evil.example/',
    ])
      expect(await addressOf(path, null)).toBeFalsy();
    expect(await addressOf('/\\evil.example/x', null)).toBeFalsy();
  });

  it('is where WhatsApp itself has said', async () => {
    expect(await addressOf('/mms/x', 'https://127.0.0.1:1234/y', ['127.0.0.1:1234'])).toBe(
      'https://127.0.0.1:1234/mms/x',
    );
    expect(await addressOf('/mms/x', 'https://127.0.0.1:9/y', ['127.0.0.1:1234'])).toBe('https://127.0.0.1:1234/mms/x');
  });

  it('is none of a message without a file or a key', async () => {
    expect(await mediaSourceOf(proto.Message.encode({ conversation: 'x' }).finish())).toBeNull();
    expect(await mediaSourceOf(proto.Message.encode({ imageMessage: { directPath: '/x' } }).finish())).toBeNull();
  });
});
