import { createHash } from 'node:crypto';

/*
 * The page for whoever holds the phone. It holds nothing of a session: what it shows it asks for with the token of its address, which
 * it then takes out of the address and keeps for this tab.
 */

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0; min-height: 100vh; display: grid; place-content: center; justify-items: center; text-align: center; padding: 1rem; }
h1 { font-size: 1.25rem; margin: 0 0 1rem; overflow-wrap: anywhere; }
#code { width: min(80vw, 22rem); aspect-ratio: 1; display: grid; place-content: center; background: #fff; border-radius: 1rem; }
#code img { width: min(80vw, 22rem); image-rendering: pixelated; border-radius: 1rem; }
#code[data-done] { font-size: 6rem; color: #128c4a; }
#pairing { font: 2rem/1 ui-monospace, monospace; letter-spacing: .2em; margin: 1rem 0 0; }
p { max-width: 32rem; }
`;

const SCRIPT = `
const kept = 'whatsapp-qr-page';
if (location.hash.length > 1) {
  sessionStorage.setItem(kept, location.hash.slice(1));
  history.replaceState(null, '', location.pathname);
}
const token = sessionStorage.getItem(kept);
const [name, code, pairing, hint] = ['name', 'code', 'pairing', 'hint'].map((id) => document.getElementById(id));
let shown = '';
const end = (text, mark) => {
  code.replaceChildren(mark || '');
  code.toggleAttribute('data-done', Boolean(mark));
  pairing.textContent = '';
  hint.textContent = text;
};
function draw(state) {
  name.textContent = state.name;
  if (state.status === 'connected') { end('Connected. You can close this page.', '\\u2713'); return true; }
  if (['logged_out', 'banned', 'replaced', 'failed'].includes(state.status)) {
    end('This did not work' + (state.status_reason ? ': ' + state.status_reason : '') + '. Ask for another link.');
    return true;
  }
  const svg = state.qr ? state.qr.svg : '';
  if (svg !== shown) {
    shown = svg;
    const image = new Image();
    image.alt = 'QR code';
    image.src = 'data:image/svg+xml;base64,' + btoa(svg);
    code.replaceChildren(...(svg ? [image] : []));
  }
  pairing.textContent = state.pairing_code ? state.pairing_code.code : '';
  hint.textContent = svg || state.pairing_code
    ? 'On the phone: WhatsApp, Settings, Linked devices, Link a device.'
    : 'Waiting for a code\\u2026';
  return false;
}
async function ask() {
  const answer = await fetch(location.pathname, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ token }), cache: 'no-store',
  });
  if (answer.ok) return draw(await answer.json());
  if (answer.status === 404 || answer.status === 400) {
    sessionStorage.removeItem(kept);
    end('This link is not valid any more.');
    return true;
  }
  return false;
}
async function follow() {
  let is_over = false;
  try { is_over = await ask(); } catch { hint.textContent = 'No connection. Trying again\\u2026'; }
  if (!is_over) setTimeout(follow, 1500);
}
if (token) follow(); else end('This link is not complete.');
`;

const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

export const QR_PAGE_HTML = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>Link WhatsApp</title>
<style>${STYLE}</style>
</head>
<body>
<h1 id="name">Link WhatsApp</h1>
<div id="code" role="img" aria-live="polite"></div>
<p id="pairing"></p>
<p id="hint"></p>
<noscript>This page needs JavaScript.</noscript>
<script>${SCRIPT}</script>
</body>
</html>
`;

/** Only what stands on the page runs; it may ask its own server, and show images that it was given. */
export const QR_PAGE_CSP = [
  "default-src 'none'",
  `script-src ${hashOf(SCRIPT)}`,
  `style-src ${hashOf(STYLE)}`,
  'img-src data:',
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');
