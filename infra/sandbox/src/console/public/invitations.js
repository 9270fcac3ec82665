/* global document, location, URLSearchParams */
import { requestJson } from './api.js';
import { signIn, signUp } from './auth.js';
import { button, h } from './dom.js';

const config = await (await fetch('/console/config.json')).json();
config.auth_url = new URL(config.auth_url, document.baseURI).href;

// In the fragment, so that no server and no Referer ever gets it.
const fragment = new URLSearchParams(location.hash.slice(1));
const token = fragment.get('token') ?? '';
const kind = fragment.get('to') === 'canvas' ? 'canvas' : 'workspace';

const notice = h('p', { className: 'notice', role: 'alert', hidden: true });
const stage = h('div');
document.querySelector('#invitation').append(notice, stage);

async function tryTo(work) {
  notice.hidden = true;
  try {
    await work();
  } catch (error) {
    notice.textContent = error.message;
    notice.hidden = false;
  }
}

const post = (path, json, headers = {}) =>
  requestJson(`${config.api_url}/api/v1/invitations/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(json),
  });

async function showPreview() {
  const { workspace_name, inviter_name } = await post('preview', { token });
  const headline = h('h2', {}, `${inviter_name || 'Someone'} invites you to ${workspace_name}`);
  drawSignIn(headline);
}

function drawSignIn(headline) {
  const email = h('input', { type: 'email', placeholder: 'email', 'aria-label': 'Email', required: true });
  const password = h('input', { type: 'password', placeholder: 'password', 'aria-label': 'Password', required: true });
  const enter = (how) => () => tryTo(async () => drawAnswer(headline, await how(config, email.value, password.value)));
  const form = h(
    'form',
    { className: 'bar', onsubmit: (event) => event.preventDefault() },
    email,
    password,
    button('Sign in', enter(signIn), { className: 'primary' }),
    button('Sign up', enter(signUp)),
  );
  const hint = h('p', {}, 'Sign in with the address that the invitation was sent to, or sign up with it.');
  stage.replaceChildren(headline, hint, form);
}

function drawAnswer(headline, session) {
  const answer = (response) => () =>
    tryTo(async () => {
      const authorization = `Bearer ${await session.token()}`;
      drawEnd(await post(`${kind}/respond`, { token, response }, { authorization }));
    });
  stage.replaceChildren(
    headline,
    h('p', {}, `You are ${session.user.email}.`),
    h(
      'div',
      { className: 'bar' },
      button('Accept', answer('accept'), { className: 'primary' }),
      button('Decline', answer('reject')),
      button('Somebody else', () => drawSignIn(headline)),
    ),
  );
}

function drawEnd({ status, role, workspace, canvas }) {
  const where = workspace?.name ?? canvas?.title;
  const text = status === 'accepted' ? `You are now ${role} of ${where}.` : 'You declined. Nothing else happens.';
  stage.replaceChildren(h('h2', {}, text), h('p', {}, h('a', { href: '/' }, 'To the console')));
}

await tryTo(showPreview);
