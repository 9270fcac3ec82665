import type { TestDatabase } from '@potentia/db/testing/database';
import { seedUser, seedWorkspace, type SeededWorkspace } from '@potentia/db/testing/seed';
import { AppError } from '../../platform/errors.ts';
import { inviteToWorkspace } from '../create-invitation.ts';
import { removeWorkspaceMember } from '../remove-workspace-member.ts';
import { resendInvitation } from '../resend-invitation.ts';
import { respondToInvitation } from '../respond-to-invitation.ts';
import { revokeInvitation } from '../revoke-invitation.ts';
import { inviteCtx, tokenOf } from './invite-kit.ts';

/** How many people there are to invite, and seats beside the owner's: one fewer. */
export const PEOPLE = 3;
export const SEATS = PEOPLE - 1;

export interface Issued {
  token: string;
  invitation_id: string;
  /** Whose address it was sent to. */
  person: number;
}

/** `ok`, or the code of the refusal. */
export type Outcome = string;

/** A workspace with its owner and some people, and what can be done to their memberships: through the verbs alone. */
export interface InvitationWorld {
  home: SeededWorkspace;
  user_ids: string[];
  invite(person: number): Promise<{ outcome: Outcome; issued?: Issued }>;
  resend(invitation_id: string, person: number): Promise<{ outcome: Outcome; issued?: Issued }>;
  revoke(invitation_id: string): Promise<Outcome>;
  respond(person: number, token: string, response: 'accept' | 'reject'): Promise<Outcome>;
  /** Lets the time of an invitation run out, if it is pending. */
  expire(invitation_id: string): Promise<void>;
  remove(person: number): Promise<Outcome>;
  /** Who is a member, a row each. */
  members(): Promise<number[]>;
}

export async function createInvitationWorld(t: TestDatabase): Promise<InvitationWorld> {
  const home = await seedWorkspace(t.db);
  const { workspace_id } = home;
  const people = await Promise.all(Array.from({ length: PEOPLE }, () => seedUser(t.db)));
  await t.asOwner('update app.workspaces set seat_limit = $2 where id = $1', [workspace_id, SEATS + 1]);
  const owner = { user_id: home.owner_user_id };
  const issue = async (person: number, work: () => Promise<{ result: { id: string } }>) => {
    let invitation_id = '';
    const outcome = await outcomeOf(async () => {
      invitation_id = (await work()).result.id;
    });
    if (outcome !== 'ok') return { outcome };
    return { outcome, issued: { person, invitation_id, token: await tokenOf(t, { id: invitation_id }) } };
  };

  return {
    home,
    user_ids: people.map(({ user_id }) => user_id),
    invite: (person) =>
      issue(person, () =>
        inviteToWorkspace(inviteCtx(t, owner), { workspace_id, email: people[person]!.email, role: 'member' }),
      ),
    resend: (invitation_id, person) =>
      issue(person, () => resendInvitation(inviteCtx(t, owner), { workspace_id, invitation_id })),
    revoke: (invitation_id) => outcomeOf(() => revokeInvitation(inviteCtx(t, owner), { workspace_id, invitation_id })),
    respond: (person, token, response) =>
      outcomeOf(() => respondToInvitation(inviteCtx(t, people[person]!), { kind: 'workspace', token, response })),
    async expire(invitation_id) {
      await t.asOwner(
        `update app.invitations set expires_at = now() - interval '1 s' where id = $1 and status = 'pending'`,
        [invitation_id],
      );
    },
    remove: (person) =>
      outcomeOf(() => removeWorkspaceMember(inviteCtx(t, owner), { workspace_id, user_id: people[person]!.user_id })),
    async members() {
      const rows = await t.asOwner<{ user_id: string }>(
        'select user_id from app.workspace_members where workspace_id = $1',
        [workspace_id],
      );
      return rows.map(({ user_id }) => people.findIndex((person) => person.user_id === user_id)).toSorted();
    },
  };
}

const MAX_TRIES = 10;

/** A lock that was not had in time changed nothing, and its client tries again. */
async function outcomeOf(work: () => Promise<unknown>): Promise<Outcome> {
  for (let tries = 1; ; tries += 1) {
    try {
      await work();
      return 'ok';
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      if (error.kind !== 'unavailable' || tries === MAX_TRIES) return error.code;
    }
  }
}
