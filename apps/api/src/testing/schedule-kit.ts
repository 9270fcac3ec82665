import { addMember, seedWorkspace, type SeededWorkspace } from '@potentia/db/testing/seed';
import { seedCalendar, seedSubscription, type SeededCalendar } from '@potentia/db/testing/seed-calendar';
import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { afterAll, beforeAll, beforeEach, expect } from 'vitest';
import { type Answer, person, type Person, startApi, type TestApi } from './api.ts';

export const SCHEDULES = '/api/v1/schedules';
export const pathOf = ({ id }: { id: string }): string => `${SCHEDULES}/${id}`;

/** What the tests of schedules share: people, and a calendar of Berlin that each test has for itself. */
export class ScheduleKit {
  backends!: Backends;
  api!: TestApi;
  owner!: Person;
  /** Subscribers, by their roles; the onlooker sees free/busy alone. */
  editor!: Person;
  viewer!: Person;
  onlooker!: Person;
  /** In the workspace, and no subscriber. */
  member!: Person;
  /** Of another tenant. */
  stranger!: Person;
  workspace!: SeededWorkspace;
  calendar!: SeededCalendar;

  async start(): Promise<void> {
    this.backends = await startBackends();
    this.api = await startApi(this.backends);
    const people = await Promise.all(Array.from({ length: 6 }, () => person(this.backends.issuer)));
    for (const who of people) await this.api.call(who, 'GET', '/api/v1/me');
    const [owner, editor, viewer, onlooker, member, stranger] = people as [Person, ...Person[]] & { length: 6 };
    Object.assign(this, { owner, editor, viewer, onlooker, member, stranger });
  }

  async stop(): Promise<void> {
    await this.api[Symbol.asyncDispose]();
    await this.backends[Symbol.asyncDispose]();
  }

  async renew(): Promise<void> {
    const { db } = this.backends.database;
    this.workspace = await seedWorkspace(db, this.owner);
    for (const who of [this.editor, this.viewer, this.onlooker, this.member])
      await addMember(db, this.workspace, 'member', who);
    this.calendar = await seedCalendar(db, this.workspace, { time_zone: 'Europe/Berlin' });
    await seedSubscription(db, this.calendar, 'editor', this.editor);
    await seedSubscription(db, this.calendar, 'viewer', this.viewer);
    await seedSubscription(db, this.calendar, 'freebusy', this.onlooker);
  }

  /** The body of a schedule of five days in the kit's calendar. */
  readonly daily = () => ({
    calendar_id: this.calendar.calendar_id,
    title: 'Standup',
    starts_local: '2026-03-02T09:00:00',
    duration_seconds: 900,
    rrule: 'FREQ=DAILY;COUNT=5',
  });

  readonly create = (
    body: object,
    who: Person | null = this.owner,
    headers?: Record<string, string>,
  ): Promise<Answer> => this.api.call(who, 'POST', SCHEDULES, body, headers);

  readonly made = async (body: object = this.daily(), who = this.owner): Promise<Answer['body']> => {
    const answer = await this.create(body, who);
    expect(answer.status, answer.text).toBe(201);
    return answer.body;
  };

  readonly get = (schedule: { id: string }, who = this.owner): Promise<Answer> =>
    this.api.call(who, 'GET', pathOf(schedule));

  readonly patch = (schedule: { id: string }, query: string, body: object, who = this.owner): Promise<Answer> =>
    this.api.call(who, 'PATCH', `${pathOf(schedule)}?${query}`, body);

  /** Everything that could have been written, as text. */
  readonly everything = async (): Promise<string> => {
    const tables = ['calendars', 'outbox', 'audit_logs', 'user_calendar_heads', 'guest_tombstones', 'schedules'];
    const rows = ['overrides', 'guests', 'responses', 'reminders', 'instances', 'bookings', 'tombstones'];
    const all = await Promise.all(
      [...tables, ...rows.map((name) => `schedule_${name}`)].map((table) =>
        this.backends.database.asOwner(`select to_jsonb(t) as row from app.${table} t order by to_jsonb(t)::text`),
      ),
    );
    return JSON.stringify(all);
  };
}

/** A kit for the tests of one file. */
export function useScheduleKit(): ScheduleKit {
  const kit = new ScheduleKit();
  beforeAll(() => kit.start());
  afterAll(() => kit.stop());
  beforeEach(() => kit.renew());
  return kit;
}
