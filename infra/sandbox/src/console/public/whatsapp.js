/* global document */
import { requestJson } from './api.js';
import { button, h } from './dom.js';
import { createPhone } from './whatsapp-phone.js';
import { createSessions } from './whatsapp-sessions.js';

const POLL_MS = 1_000;

const config = await (await fetch('/console/config.json')).json();
config.auth_url = new URL(config.auth_url, document.baseURI).href;
document.querySelector('#reference').href = `${config.api_url}/docs`;

/** One request to the phones of the sandbox. */
function ask(method, path, json) {
  const body =
    json === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(json) };
  return requestJson(new URL(`/whatsapp${path}`, document.baseURI).href, { method, ...body });
}

let known = [];
const cards = new Map();
const notice = h('p', { className: 'notice', role: 'alert', hidden: true });
const name = h('input', { placeholder: 'name', 'aria-label': 'Name of the new phone', maxLength: 60 });
const add = button('Add a phone', async () => {
  await ask('POST', '/phones', name.value ? { name: name.value } : {});
  name.value = '';
  await look();
});
const grid = h('div', { className: 'phones' });
document.querySelector('#phones').append(h('div', { className: 'bar' }, name, add), notice, grid);

const sessions = createSessions({ config, phones: () => known, ask });
document.querySelector('#sessions').append(sessions.element);

async function look() {
  known = (await ask('GET', '/phones')).items;
  for (const phone of known) {
    if (cards.has(phone.number)) continue;
    const card = createPhone({ phone, others: () => known.filter(({ number }) => number !== phone.number), ask });
    cards.set(phone.number, card);
    grid.append(card.element);
  }
  sessions.drawPhones();
  await Promise.all(known.map((phone) => cards.get(phone.number).update(phone)));
}

async function tick() {
  try {
    await look();
    notice.hidden = true;
  } catch (error) {
    notice.textContent = error.message;
    notice.hidden = false;
  }
  setTimeout(tick, POLL_MS);
}
await tick();
