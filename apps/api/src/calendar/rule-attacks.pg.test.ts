import { HOSTILE_START, hostile_rules } from '@potentia/domain/calendar/testing/hostile-rules';
import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { person, type Person, startApi, type TestApi } from '../testing/api.ts';

let backends: Backends;
let api: TestApi;
let owner: Person;
beforeAll(async () => {
  backends = await startBackends();
  api = await startApi(backends);
  owner = await person(backends.issuer);
  await api.call(owner, 'GET', '/api/v1/me');
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await backends[Symbol.asyncDispose]();
});

const check = (body: object) => api.call(owner, 'POST', '/api/v1/schedules/check-rule', body);
/** Takes nobody's time: conflicts with what was made before are not asked about. */
const create = (body: object) =>
  api.call(owner, 'POST', '/api/v1/schedules', {
    ...{ title: 'x', duration_seconds: 60, transparency: 'transparent' },
    ...body,
  });

it.each(hostile_rules.map((each) => [each.rrule.slice(0, 80), each] as const))(
  'is refused by both doors: %s',
  async (_name, { rrule, refused, start = HOSTILE_START }) => {
    const body = { starts_local: start, time_zone: 'UTC', rrule };
    const checked = await check(body);
    if (checked.status === 200) expect(checked.body).toMatchObject({ ok: false, code: refused });
    else expect([checked.status, checked.body.errors[0].pointer]).toEqual([400, '/rrule']);
    const created = await create(body);
    expect([created.status, created.body.errors[0].pointer]).toEqual([400, '/rrule']);
  },
);

it('a rule that is taken with all that it may have is answered', async () => {
  const hours = Array.from({ length: 24 }, (_, hour) => hour).join(',');
  const rules = [
    'FREQ=HOURLY;COUNT=20000',
    'FREQ=DAILY;COUNT=20000',
    'FREQ=DAILY;BYHOUR=9,10,11,12,13,14,15,16;BYMINUTE=0,20,40',
    `FREQ=YEARLY;BYDAY=MO;BYHOUR=${hours};COUNT=20000`,
    'FREQ=HOURLY;INTERVAL=7;BYHOUR=3;COUNT=20000',
    'FREQ=YEARLY;BYWEEKNO=53;BYDAY=SU;COUNT=20000',
  ];
  for (const rrule of rules) {
    for (const starts_local of ['1900-01-01T09:00:00', '2026-01-01T09:00:00']) {
      const body = { starts_local, time_zone: 'America/New_York', rrule };
      expect((await check(body)).body, rrule).toMatchObject({ ok: true });
      expect((await create(body)).status, rrule).toBe(201);
    }
  }
});

const numbers = fc.oneof(
  fc.integer().map(String),
  fc.bigInt().map(String),
  fc.double().map(String),
  fc.constantFrom('0', '-0', '+1', '007', '1e3', '0x1F', '٣', '１', '²', '1_000', ' 1', '9'.repeat(400)),
);
const values = fc.oneof(
  numbers,
  fc.array(numbers, { maxLength: 30 }).map(String),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom('DAILY', 'HOURLY', 'SECONDLY', 'yearly', 'MO', '+1MO', '-53SU', '20270101', '99991231T235959Z', ''),
);
const names = fc.constantFrom(
  ...['FREQ', 'INTERVAL', 'COUNT', 'UNTIL', 'BYMONTH', 'BYWEEKNO', 'BYYEARDAY', 'BYMONTHDAY', 'BYDAY', 'BYHOUR'],
  ...[
    'BYMINUTE',
    'BYSECOND',
    'BYSETPOS',
    'WKST',
    'RRULE:FREQ',
    'X-A',
    '__proto__',
    'toString',
    '',
    'ＦＲＥＱ',
    'bymonth',
  ],
);
const ruleText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 700 }),
  fc
    .array(
      fc.tuple(names, values).map((part) => part.join('=')),
      { maxLength: 12 },
    )
    .map((parts) => parts.join(';')),
  fc.array(fc.tuple(names, values).map((part) => part.join('='))).map((parts) => ['FREQ=DAILY', ...parts].join(';')),
  fc
    .array(fc.constantFrom(';', '=', ',', 'FREQ', 'DAILY', '\n', '\0'), { maxLength: 300 })
    .map((bits) => bits.join('')),
);

it('any text is a rule, or refused with a reason', async () => {
  const starts = fc.constantFrom(
    { starts_local: '2026-01-01T09:00:00', time_zone: 'Europe/Berlin' },
    { starts_local: '1900-01-01T00:00:00', time_zone: null },
    { starts_local: '2100-12-31' },
  );
  await fc.assert(
    fc.asyncProperty(ruleText, starts, async (rrule, start) => {
      const { status, body } = await check({ ...start, rrule });
      if (status === 200) expect(body.ok || (body.code.length > 0 && body.reason.length > 10)).toBe(true);
      else expect([status, body.errors[0].pointer]).toEqual([400, '/rrule']);
    }),
    { numRuns: 400 },
  );
}, 60_000);
