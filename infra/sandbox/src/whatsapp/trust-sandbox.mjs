/*
 * For `node --import`: the process takes the sandbox for WhatsApp, that is, it trusts certificates that hang on the key in
 * WHATSAPP_SANDBOX_ROOT_KEY (base64). It must find the same copy of Baileys as the process itself.
 */
import { WA_CERT_DETAILS } from '@whiskeysockets/baileys';

const key = process.env.WHATSAPP_SANDBOX_ROOT_KEY;
if (key) WA_CERT_DETAILS.PUBLIC_KEY = Buffer.from(key, 'base64');
