/*
 * For `node --import`: the process takes the sandbox for WhatsApp. It trusts certificates that hang on the key in
 * WHATSAPP_SANDBOX_ROOT_KEY (base64), and media servers with the certificate in WHATSAPP_SANDBOX_CA (PEM in base64); or it asks a
 * running sandbox for both, at WHATSAPP_SANDBOX_URL. It must find the same copy of Baileys as the process itself.
 */
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { setTimeout } from 'node:timers/promises';
import { WA_CERT_DETAILS } from '@whiskeysockets/baileys';

const ATTEMPTS = 150;
const PAUSE_MS = 200;

/** Whoever is started beside it may be up first. */
async function ask(url) {
  for (let attempt = 1; ; attempt++) {
    try {
      const answer = await fetch(`${url}/whatsapp/trust`);
      if (!answer.ok) throw new Error(`it answered ${answer.status}`);
      return await answer.json();
    } catch (error) {
      if (attempt === ATTEMPTS) throw new Error(`the sandbox at ${url} does not say whom to trust`, { cause: error });
      await setTimeout(PAUSE_MS);
    }
  }
}

const { WHATSAPP_SANDBOX_URL, WHATSAPP_SANDBOX_ROOT_KEY, WHATSAPP_SANDBOX_CA } = process.env;
const told = WHATSAPP_SANDBOX_URL
  ? await ask(WHATSAPP_SANDBOX_URL)
  : {
      root_public_key: WHATSAPP_SANDBOX_ROOT_KEY,
      ca: WHATSAPP_SANDBOX_CA && Buffer.from(WHATSAPP_SANDBOX_CA, 'base64').toString('utf8'),
    };
if (told.root_public_key) WA_CERT_DETAILS.PUBLIC_KEY = Buffer.from(told.root_public_key, 'base64');
if (told.ca) setDefaultCACertificates([...getCACertificates('default'), told.ca]);
