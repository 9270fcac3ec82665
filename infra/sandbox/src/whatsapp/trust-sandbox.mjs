/*
 * For `node --import`: the process takes the sandbox for WhatsApp. It trusts certificates that hang on the key in
 * WHATSAPP_SANDBOX_ROOT_KEY (base64), and media servers with the certificate in WHATSAPP_SANDBOX_CA (PEM in base64).
 * It must find the same copy of Baileys as the process itself.
 */
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { WA_CERT_DETAILS } from '@whiskeysockets/baileys';

const { WHATSAPP_SANDBOX_ROOT_KEY: key, WHATSAPP_SANDBOX_CA: ca } = process.env;
if (key) WA_CERT_DETAILS.PUBLIC_KEY = Buffer.from(key, 'base64');
if (ca) setDefaultCACertificates([...getCACertificates('default'), Buffer.from(ca, 'base64').toString('utf8')]);
