/* global document, navigator */
import { button, h } from './dom.js';

const COPIED_MS = 1_200;

function copyButton(label, text) {
  const copy = button(label, async () => {
    await copyText(text());
    copy.textContent = 'Copied';
    setTimeout(() => (copy.textContent = label), COPIED_MS);
  });
  return copy;
}

/** The clipboard API exists on https and on this machine only. */
async function copyText(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = h('textarea', { value: text });
  document.body.append(field);
  field.select();
  document.execCommand('copy');
  field.remove();
  return undefined;
}

/** Draws who is signed in, with their tokens, into `root`. */
export function drawPeople(root, sessions, { api_url }) {
  const rows = sessions.map((session) => {
    const token = session.access_token;
    const curl = () => `curl -H 'authorization: Bearer ${token()}' ${api_url}/api/v1/canvases`;
    return h(
      'tr',
      {},
      h('th', { scope: 'row' }, session.user.name),
      h('td', {}, h('code', {}, session.user.id)),
      h('td', {}, h('code', { className: 'token' }, `${token().slice(0, 24)}…${token().slice(-8)}`)),
      h('td', {}, session.expires_at().toLocaleTimeString()),
      h(
        'td',
        {},
        copyButton('Copy token', token),
        copyButton('Copy curl', curl),
        copyButton('Copy id', () => session.user.id),
      ),
    );
  });
  const head = ['Person', 'User id', 'Access token', 'Until', ''].map((text) => h('th', { scope: 'col' }, text));
  const nobody = h('tr', {}, h('td', { colSpan: head.length }, 'Nobody is signed in yet.'));
  root.replaceChildren(h('thead', {}, h('tr', {}, head)), h('tbody', {}, rows.length > 0 ? rows : nobody));
}
