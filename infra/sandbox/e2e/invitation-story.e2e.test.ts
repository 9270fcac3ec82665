import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Client, readInbox, requestJson, signUp } from './client.ts';
import { startStack, type Stack } from './stack.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack[Symbol.asyncDispose]());

const WITHIN = { timeout: 10_000, interval: 50 };

interface Frame {
  type: string;
  mutation_id?: string;
  payload?: { ops: { block: { content: { text: string } } }[] };
}

/** A live canvas, as a browser has one. */
function openCanvas(client: Client, canvas_id: string) {
  const frames: Frame[] = [];
  const url = `${stack.realtime.url.replace(/^http/, 'ws')}/ws/canvas/${canvas_id}`;
  const socket = new WebSocket(url, ['potentia.v1', `bearer.${client.token}`]);
  socket.onmessage = ({ data }) => void frames.push(JSON.parse(String(data)) as Frame);
  const closed = new Promise<{ code: number; at: number }>((resolve) => {
    socket.onclose = ({ code }) => resolve({ code, at: performance.now() });
  });
  return {
    closed,
    isLive: () => frames.some(({ type }) => type === 'snapshot'),
    write(text: string) {
      const ops = [{ op: 'create', type: 'text', content: { text } }];
      socket.send(JSON.stringify({ type: 'mutate', mutation_id: randomUUID(), ops }));
    },
    texts: () =>
      frames
        .filter(({ type }) => type === 'event')
        .flatMap(({ payload }) => payload?.ops.map(({ block }) => block.content.text) ?? []),
    close: () => socket.close(),
  };
}

it('an owner invites by mail, the invited accepts and both write live; once removed, every door is shut', async () => {
  const owner = await signUp(stack, 'owner@example.com', 'Olive');
  const workspace = await owner.call('POST', '/api/v1/workspaces', { name: 'Garden' });
  expect(workspace.status).toBe(201);
  const workspace_id = (workspace.body as { id: string }).id;
  const canvas = await owner.call('POST', '/api/v1/canvases', { workspace_id, title: 'Beds' });
  const canvas_id = (canvas.body as { id: string }).id;
  const invitations = `/api/v1/workspaces/${workspace_id}/invitations`;
  expect((await owner.call('POST', invitations, { email: 'Newcomer@example.com', role: 'member' })).status).toBe(201);

  // The invited has no account yet: only the mail knows the token.
  await expect.poll(() => readInbox(stack, 'newcomer@example.com'), WITHIN).toHaveLength(1);
  const [mail] = await readInbox(stack, 'newcomer@example.com');
  expect(mail?.subject).toBe('Olive invited you to “Garden” on Potentia');
  const link = new URL(/https?:\/\/\S+\/invitations#\S+/.exec(mail?.text ?? '')?.[0] ?? '');
  expect((await fetch(link)).status).toBe(200);
  const token = new URLSearchParams(link.hash.slice(1)).get('token');
  const preview = await requestJson(`${stack.api.url}/api/v1/invitations/preview`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token }),
  });
  expect(preview).toEqual({ status: 200, body: { workspace_name: 'Garden', inviter_name: 'Olive' } });

  const other = await signUp(stack, 'other@example.com', 'Otto');
  const accept = { token, response: 'accept' };
  expect((await other.call('POST', '/api/v1/invitations/workspace/respond', accept)).status).toBe(403);
  const newcomer = await signUp(stack, 'newcomer@example.com', 'Nora');
  expect((await newcomer.call('GET', `/api/v1/canvases/${canvas_id}`)).status).toBe(404);
  expect(await newcomer.call('POST', '/api/v1/invitations/workspace/respond', accept)).toMatchObject({
    status: 200,
    body: { status: 'accepted', role: 'member', workspace: { name: 'Garden' } },
  });
  expect((await newcomer.call('POST', '/api/v1/invitations/workspace/respond', accept)).status).toBe(409);

  const [hers, theirs] = [openCanvas(owner, canvas_id), openCanvas(newcomer, canvas_id)];
  await expect.poll(() => hers.isLive() && theirs.isLive(), WITHIN).toBe(true);
  hers.write('roses');
  await expect.poll(theirs.texts, WITHIN).toEqual(['roses']);
  theirs.write('tulips');
  for (const each of [hers, theirs]) await expect.poll(each.texts, WITHIN).toEqual(['roses', 'tulips']);

  const removed_at = performance.now();
  const removal = await owner.call('DELETE', `/api/v1/workspaces/${workspace_id}/members/${newcomer.user_id}`);
  expect(removal.status).toBe(204);
  const { code, at } = await theirs.closed;
  expect(code).toBe(4003);
  expect(at - removed_at).toBeLessThan(2_000);
  const block = { mutation_id: randomUUID(), ops: [{ op: 'create', type: 'text', content: { text: 'weeds' } }] };
  const asked = await Promise.all([
    newcomer.call('GET', `/api/v1/workspaces/${workspace_id}`),
    newcomer.call('GET', `/api/v1/workspaces/${workspace_id}/members`),
    newcomer.call('GET', `/api/v1/canvases/${canvas_id}`),
    newcomer.call('GET', `/api/v1/canvases/${canvas_id}/snapshot`),
    newcomer.call('POST', `/api/v1/canvases/${canvas_id}/mutate`, block),
    newcomer.call('POST', '/api/v1/canvases', { workspace_id, title: 'Mine' }),
    newcomer.call('GET', invitations),
  ]);
  expect(asked.map(({ status }) => status)).toEqual(asked.map(() => 404));
  expect((await newcomer.call('POST', '/api/v1/invitations/workspace/respond', accept)).status).toBe(409);
  const again = openCanvas(newcomer, canvas_id);
  expect(await again.closed).toMatchObject({ code: 1006 });
  expect(again.isLive()).toBe(false);
  expect((await newcomer.call('GET', '/api/v1/canvases')).body).toMatchObject({ items: [] });
  hers.close();
});
