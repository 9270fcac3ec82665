/* global document */
import { showMails } from './mails.js';
import { showModelCalls } from './model-calls.js';
import { createPane } from './pane.js';
import { drawPeople } from './people.js';

const config = await (await fetch('/console/config.json')).json();
config.auth_url = new URL(config.auth_url, document.baseURI).href;

const panes = [];
const users = document.querySelector('#people table');
const drawSessions = () =>
  drawPeople(
    users,
    panes.map((pane) => pane.session()).filter((session) => session !== null),
    config,
  );

/** Whom a pane shares with: the person beside, else the demo user that it is not. */
function besides(pane) {
  const beside = panes.find((other) => other !== pane)?.session()?.user;
  const own_id = pane.session().user.id;
  return beside && beside.id !== own_id ? beside : config.demo_users.find(({ id }) => id !== own_id);
}

for (const name of ['Left pane', 'Right pane']) {
  const pane = createPane({ name, config, onSession: drawSessions, otherUser: () => besides(pane) });
  panes.push(pane);
  document.querySelector('#panes').append(pane.element);
}
drawSessions();
showMails(document.querySelector('#mails'));
showModelCalls(document.querySelector('#model-calls'));
document.querySelector('#reference').href = `${config.api_url}/docs`;
