import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { startObjects, type TestObjects } from '@potentia/sandbox/testing/objects';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startApi, type TestApi } from './testing/api.ts';
import { doorsOf, fillPath } from './testing/doors.ts';
import { makeBody, makeIds, queryOf } from './testing/fixtures.ts';
import { type Cast, makeCast, makeWorld } from './testing/world.ts';

/** What changes nothing of a tenant's, or nothing when it is asked as here. */
const LEAVES_NO_TRACE = new Set([
  // Ephemeral.
  'publishPresence',
  'leaveCanvas',
  // Reads, though they are sent with a body.
  'echo',
  'previewInvitation',
  'previewRsvp',
  'openShared',
  'readFreebusy',
  'findSlots',
  'checkRule',
  'searchMemory',
  // Their record is the ledger; what their tools do is audited by the verbs.
  'startTurn',
  'cancelTurn',
  // Signed by workers, who are nobody: what changes on a card is told to its admins.
  'takeSessionStatus',
  'takeMessageStatus',
  'takeMessageInbound',
  'takeSessionUsage',
  // Of what passes through WhatsApp the messages and groups are audited; a file when it is sent.
  'createWhatsappMedia',
  'completeWhatsappMedia',
  'checkWhatsappContacts',
  'markWhatsappRead',
  'showWhatsappTyping',
  'readWhatsappQrPage',
  // Asked by services, which are nobody.
  'registerWorker',
  'beatWorker',
  'drainWorker',
  'redriveWorkerDeadLetters',
  // Of the auth server.
  'refreshSession',
  // Refused: the tokens are none, and an owner does not leave.
  'respondToWorkspaceInvitation',
  'respondToCanvasInvitation',
  'answerRsvp',
  'leaveWorkspace',
  'answerRsvp',
  // It is so already.
  'restoreWorkspace',
  'restoreCanvas',
  'reopenThread',
  // Audited when they were announced, and a transfer when it has finished.
  'completeAttachment',
  'startImport',
]);

let backends: Backends;
let objects: TestObjects;
let api: TestApi;
let cast: Cast;
beforeAll(async () => {
  [backends, objects] = await Promise.all([startBackends(), startObjects()]);
  api = await startApi(backends, objects.env);
  cast = await makeCast(api, backends);
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await objects[Symbol.asyncDispose]();
  await backends[Symbol.asyncDispose]();
});

it('every operation that creates, updates or deletes is audited, with before or after, under its request', async () => {
  const silent: string[] = [];
  for (const door of doorsOf(api.app).filter(({ method }) => method !== 'GET')) {
    const { operationId } = door.operation;
    const world = await makeWorld(api, backends, cast);
    const ids = await makeIds(door, world);
    const body = makeBody(door, world);
    const type: Record<string, string> = typeof body === 'string' ? { 'content-type': 'text/markdown' } : {};
    const url = fillPath(door.path, ids) + queryOf(door, world);
    const answer = await api.call(cast.owner, door.method, url, body, type);
    const rows = await backends.database.asOwner<{ actor_user_id: string; told: boolean }>(
      'select actor_user_id, before is not null or after is not null as told from app.audit_logs where request_id = $1',
      [answer.headers['x-request-id']],
    );
    const audited = rows.length > 0 && rows.every((row) => row.told && row.actor_user_id === cast.owner.user_id);
    if (audited === LEAVES_NO_TRACE.has(operationId))
      silent.push(`${operationId}: ${answer.status}, ${rows.length} rows`);
  }
  expect(silent).toEqual([]);
}, 60_000);
