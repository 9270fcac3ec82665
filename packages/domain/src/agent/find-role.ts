import { chooseRole, type ChosenRoleRow } from '@potentia/db/agent/role-prompt-queries';
import { queryTerms } from '../chat/rules/query.ts';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import type { Leg, PromptRole } from './prompt.ts';

/** What share of a message's words a role must have to be chosen by them; measured with the sentences of find-role.pg.test.ts. */
export const ROLE_FLOOR = 0.45;
/** Characters: a role is asked for in the first sentences. */
const MAX_LOOKED_AT = 1_000;

const LEGS = { person: 'pinned', turn: 'pinned', likeness: 'lexical', default: 'always' } as const;

export interface FoundRole extends PromptRole {
  /** Of the role that the message is most like, which may be below the floor; null: it is like none, or was not compared. */
  score: number | null;
  /** The same as the ledger keeps it. */
  leg: Leg;
  chosen_by: ChosenRoleRow['chosen_by'];
}

export interface FindRoleInput {
  message: string;
  /** Who pays; a guest of it has no roles but the built-in ones. */
  workspace_id: string;
  /** That the turn asks for; null: none. */
  role_prompt_id: string | null;
}

/**
 * Who answers: the role that the person has fixed, else the one asked for, else the one that the message is most like, if it is
 * like it enough, else the default one. A role that is gone, switched off or not theirs counts as none.
 */
export async function findRole(ctx: UserCtx, input: FindRoleInput): Promise<FoundRole> {
  const row = await fromDb(() =>
    chooseRole(ctx.db, {
      user_id: ctx.actor.user_id,
      workspace_id: input.workspace_id,
      asked_role_prompt_id: input.role_prompt_id,
      query: queryTerms(input.message.slice(0, MAX_LOOKED_AT)),
      floor: ROLE_FLOOR,
    }),
  );
  const { role_prompt_id: id, name, score, chosen_by } = row;
  return { id, name, prompt: promptOf(row), score, leg: LEGS[chosen_by], chosen_by };
}

/** A role as the specialist is told of it. */
const promptOf = ({ aim, tone, prompt }: ChosenRoleRow): string =>
  [prompt, aim && `Aim: ${aim}`, tone && `Tone: ${tone}`].filter(Boolean).join('\n');
