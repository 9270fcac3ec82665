import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { startWhatsApp, type TestWhatsApp } from '../testing/whatsapp.ts';

/** Where Baileys is found as the worker finds it. */
const WORKER = fileURLToPath(new URL('../../../../apps/wa-worker/', import.meta.url));

/** A client that checks signatures, which stock Baileys only seems to do. It says what happens, line by line. */
const CLIENT = `
import makeWASocket, { Curve, generateSignalPubKey, initAuthCreds } from '@whiskeysockets/baileys';
import { verifySignature } from 'libsignal/src/curve.js';
Curve.verify = (key, message, signature) => verifySignature(generateSignalPubKey(key), message, signature) === true;
const quiet = () => undefined;
const logger = { level: 'silent', child: () => logger, trace: quiet, debug: quiet, info: quiet, warn: quiet, error: quiet };
const rows = new Map();
const keys = {
  get: async (type, ids) => Object.fromEntries(ids.map((id) => [id, rows.get(type + id)]).filter(([, row]) => row)),
  set: async (data) => {
    for (const [type, values] of Object.entries(data)) {
      for (const [id, value] of Object.entries(values)) rows.set(type + id, value);
    }
  },
};
const auth = { creds: initAuthCreds(), keys };
function connect() {
  const socket = makeWASocket({ waWebSocketUrl: process.env.WHATSAPP_WEB_SOCKET_URL, auth, logger });
  socket.ev.on('creds.update', (update) => Object.assign(auth.creds, update));
  socket.ev.on('connection.update', ({ connection, qr, lastDisconnect }) => {
    if (qr) console.log('qr ' + qr);
    if (connection === 'open') console.log('open');
    if (connection !== 'close') return;
    if (lastDisconnect.error.output.statusCode === 515) connect();
    else console.log('closed ' + lastDisconnect.error.message);
  });
}
connect();
`;

function runClient(env: Record<string, string>): (prefix: string) => Promise<string> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', CLIENT], {
    cwd: WORKER,
    env: { PATH: process.env.PATH ?? '', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return async (prefix) => {
    for (;;) {
      const { value, done } = await lines.next();
      if (done) throw new Error(`The client ended before it said "${prefix}"`);
      if (value.startsWith(prefix)) return value.slice(prefix.length).trim();
    }
  };
}

async function start(): Promise<TestWhatsApp> {
  const whatsapp = await startWhatsApp();
  onTestFinished(() => whatsapp.close());
  return whatsapp;
}

it('is taken for WhatsApp by a process that is told to trust it', async () => {
  const whatsapp = await start();
  const phone = whatsapp.addPhone();
  const said = runClient(whatsapp.env);
  await phone.scan(await said('qr'));
  await said('open');
  expect(phone.devices()).toMatchObject([{ id: 1, is_connected: true }]);
});

it('is refused by a process that trusts WhatsApp, or another sandbox', async () => {
  const whatsapp = await start();
  const { WHATSAPP_WEB_SOCKET_URL } = whatsapp.env;
  expect(await runClient({ WHATSAPP_WEB_SOCKET_URL })('closed')).toMatch('certificate signature invalid');
  const other = await start();
  const { root_public_key } = other;
  const said = runClient({ ...whatsapp.env, WHATSAPP_SANDBOX_ROOT_KEY: root_public_key });
  expect(await said('closed')).toMatch('certificate signature invalid');
});
