import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { session_statuses } from '../schemas.ts';
import { type ClosedSocket, decideClose, known_close_codes } from './close-codes.ts';

const linked: ClosedSocket = { code: 428, is_linked: true, had_code: null, is_owner: null, attempt: 0, replaced: 0 };
const pairing: ClosedSocket = { ...linked, is_linked: false, had_code: 'qr' };
const decide = (closed: Partial<ClosedSocket>, random = 0) => decideClose({ ...linked, ...closed }, random);

describe('a linked session', () => {
  test.each([
    [401, 'logged_out', 'logged_out', true],
    [402, 'banned', 'temporarily_banned', false],
    [403, 'banned', 'forbidden', false],
    [405, 'failed', 'client_too_old', false],
    [406, 'banned', 'not_acceptable', false],
    [409, 'failed', 'client_refused', false],
    [411, 'failed', 'multi_device_missing', false],
  ])('%i stops it as %s, and keys are forgotten only after a logout', (code, status, reason, forget) => {
    for (const attempt of [0, 7]) {
      expect(decide({ code, attempt })).toEqual({ next: 'stop', status, reason, forget });
      expect(decide({ code, attempt, is_linked: false })).toEqual({ next: 'stop', status, reason, forget });
    }
  });

  test.each([
    [408, 'timed_out'],
    [428, 'connection_lost'],
    [500, 'server_error'],
    [502, 'server_error'],
    [503, 'service_unavailable'],
    [504, 'server_error'],
    [null, 'connection_lost'],
  ])('%s reconnects for ever, with a wait that doubles up to a minute', (code, reason) => {
    const waits = Array.from({ length: 12 }, (_, attempt) => decide({ code, attempt }, 0.999_999));
    expect(waits.map((wait) => wait.next === 'reconnect' && wait.after_ms)).toEqual(
      [1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60, 60].map((seconds) => expect.closeTo(seconds * 1_000, -2) as number),
    );
    expect(decide({ code })).toEqual({ next: 'reconnect', after_ms: 500, reason });
  });

  test('515 reconnects at once, but not without end', () => {
    for (const attempt of [0, 1, 2]) {
      expect(decide({ code: 515, attempt })).toEqual({ next: 'reconnect', after_ms: 0, reason: 'restart_required' });
    }
    expect(decide({ code: 515, attempt: 3 })).toEqual({
      next: 'reconnect',
      after_ms: 4_000,
      reason: 'restart_required',
    });
  });

  test('429 waits for minutes, up to an hour', () => {
    expect(decide({ code: 429 })).toEqual({ next: 'reconnect', after_ms: 150_000, reason: 'too_many_requests' });
    expect(decide({ code: 429, attempt: 9 }, 0.999_999)).toMatchObject({
      after_ms: expect.closeTo(3_600_000, -2) as number,
    });
  });

  test.each([400, 404, 418, 463, 599])('%i, which nobody knows, is tried again slowly', (code) => {
    expect(decide({ code })).toEqual({ next: 'reconnect', after_ms: 15_000, reason: `refused_${code}` });
    expect(decide({ code, attempt: 20 }, 0.999_999)).toMatchObject({ after_ms: expect.closeTo(600_000, -2) as number });
  });
});

describe('440', () => {
  test('is the end for who is not the owner any more, whatever else holds', () => {
    for (const replaced of [0, 100])
      for (const is_linked of [true, false])
        expect(decide({ code: 440, is_owner: false, replaced, is_linked })).toEqual({ next: 'drop' });
  });

  test('lets the owner come back slowly, and ends a quarrel', () => {
    const waits = [0, 1, 2, 3, 4].map((replaced) => decide({ code: 440, is_owner: true, replaced }));
    expect(waits.map((wait) => wait.next === 'reconnect' && wait.after_ms)).toEqual([
      5_000, 10_000, 20_000, 40_000, 80_000,
    ]);
    expect(decide({ code: 440, is_owner: true, replaced: 5 })).toEqual({
      next: 'stop',
      status: 'replaced',
      reason: 'replaced',
      forget: false,
    });
  });

  test('waits also when nobody can say who the owner is', () => {
    expect(decide({ code: 440, is_owner: null })).toEqual({ next: 'reconnect', after_ms: 5_000, reason: 'replaced' });
  });
});

describe('a session that is being linked', () => {
  test('stops when its codes are used up', () => {
    const expired = { next: 'stop', status: 'disconnected', reason: 'qr_expired', forget: false };
    expect(decideClose({ ...pairing, code: 408 }, 0)).toEqual(expired);
    expect(decideClose({ ...pairing, code: 408, attempt: 3 }, 0)).toEqual(expired);
    expect(decideClose({ ...pairing, code: 408, had_code: 'pairing_code' }, 0)).toEqual({
      ...expired,
      reason: 'pairing_code_expired',
    });
  });

  test('is tried again when the connection is lost, a few times', () => {
    expect(decideClose({ ...pairing, code: 428 }, 0)).toMatchObject({ next: 'reconnect' });
    expect(decideClose({ ...pairing, code: 408, had_code: null }, 0)).toMatchObject({ next: 'reconnect' });
    expect(decideClose({ ...pairing, code: 428, attempt: 4 }, 0)).toEqual({
      next: 'stop',
      status: 'disconnected',
      reason: 'pairing_failed',
      forget: false,
    });
  });
});

const anyClosed = fc.record({
  code: fc.oneof(fc.constant(null), fc.constantFrom(...known_close_codes), fc.integer({ min: 300, max: 999 })),
  is_linked: fc.boolean(),
  had_code: fc.constantFrom('qr' as const, 'pairing_code' as const, null),
  is_owner: fc.constantFrom(true, false, null),
  attempt: fc.nat(10_000),
  replaced: fc.nat(10_000),
});

test('every decision is one that can be carried out, and only a restart comes back at once', () => {
  fc.assert(
    fc.property(anyClosed, fc.double({ min: 0, max: 0.999, noNaN: true }), (closed, random) => {
      const decision = decideClose(closed, random);
      if (decision.next === 'stop') expect(session_statuses).toContain(decision.status);
      if (decision.next === 'stop' && decision.forget) expect(closed.code).toBe(401);
      if (decision.next === 'drop') expect([closed.code, closed.is_owner]).toEqual([440, false]);
      if (decision.next !== 'reconnect') return;
      expect(decision.after_ms).toBeLessThanOrEqual(3_600_000);
      if (closed.code !== 515) expect(decision.after_ms).toBeGreaterThanOrEqual(500);
    }),
  );
});
