import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { Curve } from '@whiskeysockets/baileys';
import { expect, test } from 'vitest';
import './crypto-fixes.ts';

const libsignal = createRequire(import.meta.url)('libsignal');

test('a signature counts only under its own key and message', () => {
  const [mine, theirs] = [Curve.generateKeyPair(), Curve.generateKeyPair()];
  const message = Buffer.from('message');
  const signature = Curve.sign(mine.private, message);
  expect(Curve.verify(mine.public, message, signature)).toBe(true);
  expect(Curve.verify(theirs.public, message, signature)).toBe(false);
  expect(Curve.verify(mine.public, Buffer.from('other'), signature)).toBe(false);
  expect(Curve.verify(mine.public, message, new Uint8Array(64))).toBe(false);
  expect(Curve.verify(mine.public, message, new Uint8Array(3))).toBe(false);
});

/** One end of a conversation, with everything that libsignal asks for in memory, stored as Baileys does. */
function createParty(name: string) {
  const identity = libsignal.keyhelper.generateIdentityKeyPair();
  const pre_key = libsignal.keyhelper.generatePreKey(1);
  const signed = libsignal.keyhelper.generateSignedPreKey(identity, 1);
  const sessions = new Map<string, object>();
  const storage = {
    loadSession: (id: string) => {
      const stored = sessions.get(id);
      return stored && libsignal.SessionRecord.deserialize(JSON.parse(JSON.stringify(stored)));
    },
    storeSession: (id: string, record: { serialize(): object }) => void sessions.set(id, record.serialize()),
    isTrustedIdentity: () => true,
    loadPreKey: () => pre_key.keyPair,
    removePreKey: () => undefined,
    loadSignedPreKey: () => signed.keyPair,
    getOurRegistrationId: () => 1,
    getOurIdentity: () => identity,
  };
  const address = new libsignal.ProtocolAddress(name, 1);
  const bundle = {
    ...{ registrationId: 1, identityKey: identity.pubKey },
    preKey: { keyId: 1, publicKey: pre_key.keyPair.pubKey },
    signedPreKey: { keyId: 1, publicKey: signed.keyPair.pubKey, signature: signed.signature },
  };
  return { storage, address, bundle };
}
type Party = ReturnType<typeof createParty>;

async function send(from: Party, to: Party, text: string) {
  const cipher = new libsignal.SessionCipher(from.storage, to.address);
  if (!(await cipher.hasOpenSession())) {
    await new libsignal.SessionBuilder(from.storage, to.address).initOutgoing(to.bundle);
  }
  return cipher.encrypt(Buffer.from(text));
}

async function receive(at: Party, from: Party, { type, body }: { type: number; body: string | Buffer }) {
  const cipher = new libsignal.SessionCipher(at.storage, from.address);
  const bytes = Buffer.from(body as string, 'binary');
  const plain: Buffer =
    type === 3 ? await cipher.decryptPreKeyWhisperMessage(bytes) : await cipher.decryptWhisperMessage(bytes);
  return plain.toString();
}

test('two people whose first messages cross understand each other, then and ever after', async () => {
  for (let pair = 0; pair < 20; pair++) {
    const [ann, bob] = [createParty(`ann${pair}`), createParty(`bob${pair}`)];
    const [to_bob, to_ann] = [await send(ann, bob, 'a1'), await send(bob, ann, 'b1')];
    expect(await receive(bob, ann, to_bob)).toBe('a1');
    expect(await receive(ann, bob, to_ann)).toBe('b1');
    for (let n = 2; n <= 4; n++) {
      const [a, b] = [await send(ann, bob, `a${n}`), await send(bob, ann, `b${n}`)];
      expect(await receive(bob, ann, a)).toBe(`a${n}`);
      expect(await receive(ann, bob, b)).toBe(`b${n}`);
    }
  }
});

test('a message that no session opens is refused, and leaves every session as it was', async () => {
  const [ann, bob, eve] = [createParty('ann-x'), createParty('bob-x'), createParty('ann-x')];
  await receive(bob, ann, await send(ann, bob, 'hello'));
  await receive(ann, bob, await send(bob, ann, 'hello back'));
  // Under another session of the same name.
  await send(eve, bob, 'forged');
  await expect(receive(bob, ann, { type: 1, body: (await send(eve, bob, 'forged')).body })).rejects.toThrow();
  expect(await receive(bob, ann, await send(ann, bob, 'still here'))).toBe('still here');
});

test('what libsignal says of its sessions reaches no console, and what others say does', () => {
  const script = `
    await import(${JSON.stringify(new URL('crypto-fixes.ts', import.meta.url).href)});
    const { createRequire } = await import('node:module');
    const { SessionRecord } = createRequire(${JSON.stringify(import.meta.url)})('libsignal');
    new SessionRecord().closeSession({ indexInfo: { closed: -1 }, secret: 'privKey' });
    console.info('ours');`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  expect(stdout + stderr).toBe('ours\n');
});
