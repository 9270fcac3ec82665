/* global document, location, URLSearchParams */
import { requestJson } from './api.js';
import { button, h } from './dom.js';

const config = await (await fetch('/console/config.json')).json();
// In the fragment, so that no server and no Referer ever gets it.
const token = new URLSearchParams(location.hash.slice(1)).get('token') ?? '';
const url = `${config.api_url}/api/v1/shared/${encodeURIComponent(token)}`;
const stage = document.querySelector('#shared');

const say = (text) => h('p', { className: 'notice', role: 'alert' }, text);

/** What a block shows; a file that it names by id has an address here for some minutes. */
function drawContent({ type, content }, attachments) {
  const file = attachments.find(({ id }) => JSON.stringify(content).includes(id));
  if (type === 'heading') return h(`h${Math.min(6, content.level + 1)}`, {}, content.text);
  if (type === 'divider') return h('hr');
  if (type === 'code') return h('pre', {}, h('code', {}, content.text));
  if (type === 'quote') return h('blockquote', {}, content.text);
  if (type === 'todo') return h('p', {}, `${content.checked ? '☑' : '☐'} ${content.text}`);
  if (type === 'list') return h('p', {}, `• ${content.text}`);
  if (type === 'table') {
    const rows = content.rows.map((row) =>
      h(
        'tr',
        {},
        row.map((cell) => h('td', {}, cell)),
      ),
    );
    return h('table', {}, h('tbody', {}, rows));
  }
  if (file) return h('p', {}, h('a', { href: file.url, rel: 'noreferrer' }, file.name));
  if (typeof content.text === 'string') return h('p', {}, content.text);
  return h(
    'p',
    {},
    h('code', { className: 'opaque' }, `${type}: ${content.alt ?? content.title ?? content.name ?? ''}`),
  );
}

/** Blocks come in order, parents first; siblings stand under their parent. */
function drawTree({ blocks, attachments }, parent_id = null) {
  const items = blocks
    .filter((block) => block.parent_id === parent_id)
    .map((block) => h('li', {}, drawContent(block, attachments), drawTree({ blocks, attachments }, block.id)));
  return items.length > 0 ? h('ol', { className: 'shared' }, items) : null;
}

function draw(canvas) {
  document.title = canvas.title || 'Shared canvas';
  stage.replaceChildren(
    h('h1', {}, [canvas.icon, canvas.title || 'Untitled'].filter(Boolean).join(' ')),
    drawTree(canvas) ?? say('Nothing stands here yet.'),
  );
}

function askForPassword(reason) {
  const password = h('input', { type: 'password', 'aria-label': 'Password', required: true });
  const open = button('Open', () => read({ password: password.value }), { className: 'primary' });
  const form = h('form', { className: 'bar', onsubmit: (event) => event.preventDefault() }, password, open);
  stage.replaceChildren(say(reason), form);
}

async function read(body) {
  const post = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  try {
    draw(await requestJson(url, body ? post : {}));
  } catch (error) {
    if (error.code?.startsWith('share_link.password') || error.code === 'share_link.too_many_guesses') {
      askForPassword(error.message);
    } else stage.replaceChildren(say(error.message));
  }
}

await read();
