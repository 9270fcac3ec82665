import { createApi } from './api.js';
import { signIn } from './auth.js';
import { button, h } from './dom.js';
import { createSession } from './whatsapp-session.js';

const POLL_MS = 1_500;

/** The WhatsApp sessions of whoever is signed in. `phones()` are those of the sandbox, `ask` is a request to them. */
export function createSessions({ config, phones, ask }) {
  let person = null;
  let api = null;
  const rows = new Map();

  const notice = h('p', { className: 'notice', role: 'alert', hidden: true });
  const trouble = h('p', { className: 'notice', hidden: true });
  const who = h('div', { className: 'bar who' });
  const list = h('ul', { className: 'sessions', 'aria-label': 'WhatsApp sessions' });
  const element = h('div', {}, who, notice, trouble, list);

  async function tryTo(work) {
    notice.hidden = true;
    try {
      await work();
    } catch (error) {
      notice.textContent = error.message;
      notice.hidden = false;
    }
  }

  function drawSignedOut() {
    const demo = config.demo_users.map(({ email, name }) =>
      button(`Sign in as ${name}`, () => tryTo(() => enter(email)), {
        className: 'primary',
        disabled: !config.demo_password,
      }),
    );
    who.replaceChildren(h('h2', {}, 'Sessions'), ...demo);
    list.replaceChildren();
    rows.clear();
  }

  async function enter(email) {
    person = await signIn(config, email, config.demo_password);
    api = createApi(config.api_url, person);
    await api.getMe();
    const name = h('input', { placeholder: 'name', 'aria-label': 'Name of the new session', maxLength: 100 });
    const create = button(
      'New session',
      () =>
        tryTo(async () => {
          const json = { name: name.value || 'My session' };
          const { id } = await api.request('POST', '/whatsapp/sessions', { json });
          name.value = '';
          await api.request('POST', `/whatsapp/sessions/${id}/connect`, { json: {} });
          await look();
        }),
      { className: 'primary' },
    );
    who.replaceChildren(h('h2', {}, `Sessions of ${person.user.name}`), name, create, button('Sign out', leave));
    void tick(person);
  }

  async function leave() {
    const ending = person;
    person = null;
    drawSignedOut();
    await ending.signOut();
  }

  async function look() {
    const { items } = await api.request('GET', '/whatsapp/sessions');
    for (const card of items) {
      if (!rows.has(card.id)) rows.set(card.id, createSession({ card, api, phones, ask }));
    }
    for (const id of rows.keys()) if (!items.some((card) => card.id === id)) rows.delete(id);
    const wanted = items.map(({ id }) => rows.get(id).element);
    // Elements that are moved lose the focus.
    if (wanted.length !== list.childElementCount || wanted.some((row, index) => list.children[index] !== row)) {
      list.replaceChildren(...(wanted.length > 0 ? wanted : [h('li', { className: 'hint' }, 'No session yet')]));
    }
    await Promise.all(items.map((card) => rows.get(card.id).update(card)));
  }

  async function tick(whose) {
    if (person !== whose) return;
    trouble.hidden = true;
    await look().catch((error) => {
      trouble.textContent = error.message;
      trouble.hidden = false;
    });
    setTimeout(() => void tick(whose), POLL_MS);
  }

  drawSignedOut();
  return {
    element,
    /** There are other phones now. */
    drawPhones() {
      for (const row of rows.values()) row.drawPhones();
    },
  };
}
