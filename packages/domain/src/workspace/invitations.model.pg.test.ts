import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  createInvitationWorld,
  type InvitationWorld,
  type Issued,
  type Outcome,
  PEOPLE,
  SEATS,
} from './testing/invitation-world.ts';

/*
 * What may become of invitations, said once more in a few lines, and held against the verbs on a real Postgres: one after
 * the other, where every answer is known; and at once, where what must never be is looked for.
 */

let t: TestDatabase;
beforeAll(async () => {
  t = await createTestDatabase();
});
afterAll(() => t.drop());

const SECONDS = 180_000;

interface Invitation {
  person: number;
  status: 'pending' | 'accepted' | 'rejected' | 'revoked' | 'expired';
  /** Past its end, whether marked or not. */
  over: boolean;
  /** The one that is good. */
  token: string;
}
interface Model {
  invitations: Map<string, Invitation>;
  issued: Issued[];
  members: Set<number>;
}

const isOpen = ({ status }: Invitation): boolean => status === 'pending' || status === 'expired';
const latestOf = (model: Model, person: number): [string, Invitation] | undefined =>
  [...model.invitations].findLast(([, invitation]) => invitation.person === person);
/** A removal or an acceptance leaves nothing by which the same person could come in again. */
function closeOthers(model: Model, person: number): void {
  for (const invitation of model.invitations.values()) {
    if (invitation.person === person && isOpen(invitation)) invitation.status = 'revoked';
  }
}

interface Command extends fc.AsyncCommand<Model, InvitationWorld> {
  run(model: Model, world: InvitationWorld): Promise<void>;
}
const command = (name: string, run: Command['run']): Command => ({ check: () => true, run, toString: () => name });

const invite = (person: number) =>
  command(`invite ${person}`, async (model, world) => {
    const latest = latestOf(model, person)?.[1];
    const pending = latest?.status === 'pending' && !latest.over;
    const { outcome, issued } = await world.invite(person);
    expect(outcome).toBe(
      model.members.has(person) ? 'invitation.already_member' : pending ? 'invitation.already_pending' : 'ok',
    );
    if (!issued) return;
    if (latest?.status === 'pending') latest.status = 'expired';
    model.invitations.set(issued.invitation_id, { person, status: 'pending', over: false, token: issued.token });
    model.issued.push(issued);
  });

const resend = (person: number) =>
  command(`resend ${person}`, async (model, world) => {
    const [id, invitation] = latestOf(model, person) ?? [];
    if (!id || !invitation) return;
    const { outcome, issued } = await world.resend(id, person);
    expect(outcome).toBe(
      !isOpen(invitation) ? 'invitation.not_pending' : model.members.has(person) ? 'invitation.already_member' : 'ok',
    );
    if (!issued) return;
    Object.assign(invitation, { status: 'pending', over: false, token: issued.token });
    model.issued.push(issued);
  });

const revoke = (person: number) =>
  command(`revoke ${person}`, async (model, world) => {
    const [id, invitation] = latestOf(model, person) ?? [];
    if (!id || !invitation) return;
    const can = isOpen(invitation) || invitation.status === 'revoked';
    expect(await world.revoke(id)).toBe(can ? 'ok' : 'invitation.not_pending');
    if (can) invitation.status = 'revoked';
  });

const expire = (person: number) =>
  command(`expire ${person}`, async (model, world) => {
    const [id, invitation] = latestOf(model, person) ?? [];
    if (!id || !invitation) return;
    await world.expire(id);
    if (invitation.status === 'pending') invitation.over = true;
  });

/** `by` tries any token that was ever sent, their own or not. */
const respond = (by: number, pick: number, response: 'accept' | 'reject') =>
  command(`${response} by ${by} of ${pick}`, async (model, world) => {
    const issued = model.issued[pick % Math.max(model.issued.length, 1)];
    if (!issued) return;
    const invitation = model.invitations.get(issued.invitation_id)!;
    const expected = (): Outcome => {
      if (invitation.token !== issued.token) return 'invitation.not_found';
      if (invitation.person !== by) return 'invitation.wrong_address';
      if (invitation.status === 'expired' || (invitation.status === 'pending' && invitation.over)) {
        return 'invitation.expired';
      }
      if (invitation.status !== 'pending') return 'invitation.not_pending';
      if (response === 'reject') return 'ok';
      if (model.members.has(by)) return 'invitation.already_member';
      return model.members.size >= SEATS ? 'workspace.seats_full' : 'ok';
    };
    const outcome = expected();
    expect(await world.respond(by, issued.token, response)).toBe(outcome);
    if (outcome !== 'ok') return;
    invitation.status = response === 'accept' ? 'accepted' : 'rejected';
    if (response === 'reject') return;
    model.members.add(by);
    closeOthers(model, by);
  });

const remove = (person: number) =>
  command(`remove ${person}`, async (model, world) => {
    const is_member = model.members.has(person);
    expect(await world.remove(person)).toBe(is_member ? 'ok' : 'workspace.member_not_found');
    if (!is_member) return;
    model.members.delete(person);
    closeOthers(model, person);
  });

const person = fc.nat({ max: PEOPLE - 1 });
const pick = fc.nat({ max: 11 });
const response = fc.constantFrom('accept' as const, 'accept' as const, 'reject' as const);

test(
  'one after the other: every answer is the one that the rules give, and the members are those who accepted',
  async () => {
    const commands = fc.commands(
      [
        person.map(invite),
        person.map(invite),
        person.map(resend),
        person.map(revoke),
        person.map(expire),
        fc.tuple(person, pick, response).map((args) => respond(...args)),
        fc.tuple(person, pick, response).map((args) => respond(...args)),
        person.map(remove),
      ],
      { maxCommands: 40, size: 'max' },
    );
    await fc.assert(
      fc.asyncProperty(commands, async (list) => {
        const world = await createInvitationWorld(t);
        const model: Model = { invitations: new Map(), issued: [], members: new Set() };
        await fc.asyncModelRun(() => ({ model, real: world }), list);
        expect(await world.members()).toEqual([...model.members].toSorted());
      }),
      { numRuns: 60 },
    );
  },
  SECONDS,
);

/** What somebody does while others do theirs; `pick` chooses among the tokens that there were when they began. */
type Act =
  | { act: 'invite' | 'remove'; person: number }
  | { act: 'resend' | 'revoke' | 'expire'; pick: number }
  | { act: 'accept' | 'reject'; pick: number };

const act: fc.Arbitrary<Act> = fc.oneof(
  fc.record({ act: fc.constantFrom('invite' as const, 'invite' as const, 'remove' as const), person }),
  fc.record({ act: fc.constantFrom('resend' as const, 'revoke' as const, 'expire' as const), pick }),
  fc.record({ act: fc.constantFrom('accept' as const, 'accept' as const, 'reject' as const), pick }),
);

interface Done {
  round: number;
  act: Act['act'];
  person: number;
  /** The token or invitation that it was about. */
  issued?: Issued;
  /** The token that it made. */
  made?: Issued | undefined;
  outcome: Outcome;
}

/** Does one thing, as the person whom the token was sent to where it is about one. */
async function perform(world: InvitationWorld, chosen: Act, round: number, known: Issued[]): Promise<Done | undefined> {
  if ('person' in chosen) {
    const done = { round, act: chosen.act, person: chosen.person };
    if (chosen.act === 'remove') return { ...done, outcome: await world.remove(chosen.person) };
    const { outcome, issued: made } = await world.invite(chosen.person);
    return { ...done, outcome, made };
  }
  const issued = known[chosen.pick % Math.max(known.length, 1)];
  if (!issued) return undefined;
  const done = { round, act: chosen.act, person: issued.person, issued };
  switch (chosen.act) {
    case 'resend': {
      const { outcome, issued: made } = await world.resend(issued.invitation_id, issued.person);
      return { ...done, outcome, made };
    }
    case 'revoke':
      return { ...done, outcome: await world.revoke(issued.invitation_id) };
    case 'expire':
      await world.expire(issued.invitation_id);
      return { ...done, outcome: 'ok' };
    default:
      return { ...done, outcome: await world.respond(issued.person, issued.token, chosen.act) };
  }
}

/** What must never be, whatever came first of what happened at once. */
async function checkInvariants(world: InvitationWorld, log: Done[]): Promise<void> {
  const worked = log.filter(({ outcome }) => outcome === 'ok');
  const of = (what: Act['act']) => worked.filter((done) => done.act === what);
  const members = await world.members();
  expect(members.length).toBeLessThanOrEqual(SEATS);
  for (let who = 0; who < PEOPLE; who += 1) {
    const count = (what: Act['act']) => of(what).filter((done) => done.person === who).length;
    // Everybody who is in came by an acceptance that no removal has ended; and once, not twice.
    expect(members.filter((member) => member === who)).toHaveLength(count('accept') - count('remove'));
  }
  for (const { issued, round } of of('accept')) {
    const { invitation_id, token } = issued!;
    const same = worked.filter((done) => done.issued?.invitation_id === invitation_id);
    expect(same.filter(({ act: what }) => what === 'accept' || what === 'reject')).toHaveLength(1);
    expect(same.filter(({ act: what }) => what === 'revoke')).toEqual([]);
    const before = same.filter((done) => done.round < round);
    const made_in = worked.find((done) => done.made?.token === token)?.round ?? -1;
    const rotated = before.filter((done) => done.act === 'resend' && done.round > made_in);
    expect(rotated, 'the token was rotated before').toEqual([]);
    const renewed = Math.max(-1, ...before.filter((done) => done.act === 'resend').map((done) => done.round));
    const ended = before.filter((done) => done.act === 'expire' && done.round > renewed);
    expect(ended, 'the invitation had run out').toEqual([]);
  }
  const rows = await t.asOwner<{ accepted: string; twice: string; added: string }>(
    `select
       (select count(*) from app.invitations where workspace_id = $1 and status = 'accepted') as accepted,
       (select count(*) from (select from app.invitations where workspace_id = $1 and status = 'pending'
          group by email having count(*) > 1) x) as twice,
       (select count(*) from app.audit_logs where workspace_id = $1 and action = 'member.add') as added`,
    [world.home.workspace_id],
  );
  const accepted = String(of('accept').length);
  expect(rows).toEqual([{ accepted, twice: '0', added: accepted }]);
}

test(
  'at once: never a member without a valid acceptance, never two, never by a token that was revoked, rotated or over',
  async () => {
    const rounds = fc.array(fc.array(act, { minLength: 2, maxLength: 6 }), { minLength: 3, maxLength: 8 });
    const seen = new Set<string>();
    await fc.assert(
      fc.asyncProperty(rounds, async (plan) => {
        const world = await createInvitationWorld(t);
        const log: Done[] = [];
        const known: Issued[] = [];
        // Something to fight over from the start.
        for (let who = 0; who < PEOPLE; who += 1) known.push((await world.invite(who)).issued!);
        for (const [round, acts] of plan.entries()) {
          const done = await Promise.all(acts.map((chosen) => perform(world, chosen, round, known)));
          for (const each of done) {
            if (each) log.push(each);
            if (each?.made) known.push(each.made);
          }
          await checkInvariants(world, log);
        }
        for (const { act: what, outcome } of log) seen.add(`${what} ${outcome}`);
      }),
      { numRuns: 80 },
    );
    // The plans were not idle.
    for (const each of ['accept ok', 'accept invitation.not_found', 'accept invitation.not_pending', 'remove ok']) {
      expect([...seen]).toContain(each);
    }
  },
  SECONDS,
);

test('everybody accepts one invitation at the same moment, again and again: one of them joins', async () => {
  for (let turn = 0; turn < 10; turn += 1) {
    const world = await createInvitationWorld(t);
    const { issued } = await world.invite(0);
    const tries = Array.from({ length: 8 }, () => world.respond(0, issued!.token, 'accept'));
    const [revoked, ...outcomes] = await Promise.all([world.revoke(issued!.invitation_id), ...tries]);
    const accepted = outcomes.filter((outcome) => outcome === 'ok').length;
    expect([revoked, accepted]).toEqual(revoked === 'ok' ? ['ok', 0] : ['invitation.not_pending', 1]);
    expect(await world.members()).toHaveLength(accepted);
  }
});

test('more people than seats accept at the same moment, again and again: the seats are taken, and no more', async () => {
  for (let turn = 0; turn < 10; turn += 1) {
    const world = await createInvitationWorld(t);
    const tokens = [];
    for (let who = 0; who < PEOPLE; who += 1) tokens.push((await world.invite(who)).issued!.token);
    const outcomes = await Promise.all(tokens.map((token, who) => world.respond(who, token, 'accept')));
    expect(outcomes.toSorted()).toEqual(['ok', 'ok', 'workspace.seats_full']);
    expect(await world.members()).toHaveLength(SEATS);
  }
});
