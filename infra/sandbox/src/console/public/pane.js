import { createApi } from './api.js';
import { signIn } from './auth.js';
import { openCanvasView } from './canvas-view.js';
import { button, h } from './dom.js';
import { openSocket } from './socket.js';

const LOG_LENGTH = 200;

/**
 * One person's window: sign in, the list of their canvases, the open canvas, a log of frames. `onSession()` tells the page
 * that somebody came or went, `otherUser()` is the person in the pane beside.
 */
export function createPane({ name, config, onSession, otherUser }) {
  let session = null;
  let api = null;
  let me_socket = null;
  let view = null;
  let open_id = null;

  const notice = h('p', { className: 'notice', role: 'alert', hidden: true });
  const who = h('div', { className: 'bar who' });
  const list = h('ul', { className: 'canvases', 'aria-label': 'Canvases' });
  const stage = h('div', { className: 'stage' });
  const log = h('ol', { className: 'log' });
  const log_box = h('details', {}, h('summary', {}, 'Frames'), log);
  const element = h('section', { className: 'pane', 'aria-label': name }, who, notice, list, stage, log_box);

  function tell(text) {
    notice.textContent = text;
    notice.hidden = !text;
  }

  async function tryTo(work) {
    tell('');
    try {
      await work();
    } catch (error) {
      tell(error.message);
    }
  }

  function logFrame(direction, frame) {
    const time = new Date().toISOString().slice(11, 23);
    log.prepend(
      h('li', { className: direction }, `${time} ${direction === 'in' ? '←' : '→'} ${JSON.stringify(frame)}`),
    );
    while (log.childElementCount > LOG_LENGTH) log.lastElementChild.remove();
  }

  function drawSignedOut() {
    const demo = config.demo_users.map(({ email, name: demo_name }) =>
      button(`Sign in as ${demo_name}`, () => tryTo(() => enter(email, config.demo_password)), {
        className: 'primary',
        disabled: !config.demo_password,
      }),
    );
    const email = h('input', {
      type: 'email',
      name: 'email',
      placeholder: 'email',
      'aria-label': 'Email',
      required: true,
    });
    const password = h('input', {
      type: 'password',
      placeholder: 'password',
      'aria-label': 'Password',
      required: true,
    });
    const onsubmit = (event) => {
      event.preventDefault();
      void tryTo(() => enter(email.value, password.value));
    };
    const form = h('form', { onsubmit }, email, password, h('button', {}, 'Sign in'));
    who.replaceChildren(h('h2', {}, name), ...demo, h('details', {}, h('summary', {}, 'Somebody else'), form));
    list.replaceChildren();
    close();
  }

  async function enter(email, password) {
    session = await signIn(config, email, password);
    api = createApi(config.api_url, session);
    session.onChange(onSession);
    onSession();
    close();
    who.replaceChildren(
      h('h2', {}, session.user.name),
      h('small', {}, session.user.email),
      button('New canvas', () => tryTo(createAndOpen), { className: 'primary' }),
      button('Refresh', () => tryTo(drawList)),
      button('Sign out', leave),
    );
    await api.getMe();
    await drawList();
    me_socket = openSocket({
      url: `${config.realtime_url}/ws/me`,
      session,
      probe: async () => null,
      onFrame(frame) {
        logFrame('in', frame);
        if (frame.type !== 'hello' && frame.type !== 'pong') void tryTo(drawList);
      },
      onSent: (frame) => logFrame('out', frame),
      onStatus: () => null,
    });
  }

  async function leave() {
    me_socket?.close();
    const ending = session;
    session = null;
    drawSignedOut();
    onSession();
    await ending.signOut();
  }

  function close() {
    view?.close();
    view = null;
    open_id = null;
    stage.replaceChildren(
      h('p', { className: 'hint' }, session ? 'Open a canvas, or make one.' : 'Nobody is signed in here.'),
    );
  }

  async function createAndOpen() {
    const { id } = await api.createCanvas('Untitled canvas');
    open(id);
    await drawList();
  }

  async function drawList() {
    const canvases = await api.listCanvases();
    const items = canvases.map(({ id, title, role }) =>
      h(
        'li',
        {},
        button(
          title || 'Untitled',
          async () => {
            open(id);
            await drawList();
          },
          { 'aria-current': id === open_id ? 'true' : null, dataset: { canvasId: id } },
        ),
        h('small', {}, role),
      ),
    );
    list.replaceChildren(...(items.length > 0 ? items : [h('li', { className: 'empty' }, 'No canvas yet')]));
  }

  function open(canvas_id) {
    close();
    tell('');
    open_id = canvas_id;
    view = openCanvasView({
      config,
      session,
      api,
      canvas_id,
      otherUser,
      onFrame: logFrame,
      onNotice: tell,
      onRenamed: () => void drawList().catch((error) => tell(error.message)),
    });
    stage.replaceChildren(view.element);
  }

  drawSignedOut();
  return { element, session: () => session };
}
