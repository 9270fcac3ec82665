import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../testing/database.ts';

let t: TestDatabase;
beforeAll(async () => {
  t = await createTestDatabase();
});
afterAll(() => t.drop());

/** What a worker does over all sessions at once; everything else is bound to the session that its transaction has named. */
const OVER_SESSIONS = [
  // Leases: of the worker that is named.
  'renew_leases',
  // Keys under an old secret, sealed: to be sealed anew.
  'read_sealed_with',
  'reseal_keys',
  // Files to be fetched, of sessions that the caller names and holds; uploads that nobody sent.
  'claim_media',
  'forget_uploads',
  // What is told to the API, also of sessions that nobody holds any more.
  'claim_events',
  'settle_events',
  'event_backlog',
  'report_usage',
  'list_dead_events',
  'redrive_events',
  'forget_dead_events',
];

test('the functions that go over sessions are these', async () => {
  const rows = await t.asOwner<{ name: string }>(
    `select proname as name from pg_proc where pronamespace = 'wa'::regnamespace and prosecdef`,
  );
  expect(rows.map(({ name }) => name).toSorted()).toEqual(OVER_SESSIONS.toSorted());
});
