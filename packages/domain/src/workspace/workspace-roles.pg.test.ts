import { getCanvasRole, getCanvasRoles } from '@potentia/db/canvas/queries';
import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { addCanvasAccess, addMember, seedCanvas, seedUser, seedWorkspace } from '@potentia/db/testing/seed';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { canvas_roles, type CanvasRole, grantable_roles, hasRole } from '../canvas/rules/roles.ts';
import type { UserCtx } from '../platform/ctx.ts';
import { AppError } from '../platform/errors.ts';
import { personCtx } from '../platform/testing/person.ts';
import { newId } from '../platform/uuid.ts';
import { changeWorkspaceMember } from './change-workspace-member.ts';
import { deleteWorkspace } from './delete-workspace.ts';
import { getWorkspace } from './get-workspace.ts';
import { leaveWorkspace } from './leave-workspace.ts';
import { listWorkspaceMembers } from './list-workspace-members.ts';
import { removeWorkspaceMember } from './remove-workspace-member.ts';
import { restoreWorkspace } from './restore-workspace.ts';
import { member_roles, type WorkspaceRole, workspace_roles } from './rules/roles.ts';
import { transferWorkspace } from './transfer-workspace.ts';
import { updateWorkspace } from './update-workspace.ts';

/*
 * The rules of roles, said once more in a few lines, against what the verbs do: any people, any changes, in any order. What a
 * person may do follows from the role they have then, and from nothing else.
 */

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const PEOPLE = 5;
type MemberRole = (typeof member_roles)[number];

interface Model {
  owner: number;
  members: Map<number, MemberRole>;
  deleted: boolean;
}

type Step =
  | { do: 'rename' | 'leave' | 'delete' | 'restore'; by: number }
  | { do: 'role'; by: number; to: number; role: MemberRole }
  | { do: 'remove' | 'transfer'; by: number; to: number };

const roleOf = ({ owner, members }: Model, who: number): WorkspaceRole | null =>
  who === owner ? 'owner' : (members.get(who) ?? null);

const NEEDED: Record<Step['do'], WorkspaceRole> = {
  rename: 'admin',
  role: 'admin',
  remove: 'admin',
  transfer: 'owner',
  delete: 'owner',
  restore: 'owner',
  leave: 'guest',
};

/** What a step answers, `ok` or a code, and what it makes of the model. */
function expectStep(model: Model, step: Step): string {
  const role = roleOf(model, step.by);
  // Of a deleted workspace only its owner learns anything, and only how to get it back.
  const can_see = model.deleted ? role === 'owner' && ['delete', 'restore'].includes(step.do) : role !== null;
  if (!can_see) return 'workspace.not_found';
  if (workspace_roles.indexOf(role!) < workspace_roles.indexOf(NEEDED[step.do])) return 'workspace.forbidden';
  if (step.do === 'leave') {
    if (role === 'owner') return 'workspace.owner_fixed';
    model.members.delete(step.by);
  }
  if (step.do === 'delete' || step.do === 'restore') model.deleted = step.do === 'delete';
  if ('to' in step) return expectOn(model, step);
  return 'ok';
}

function expectOn(model: Model, step: Extract<Step, { to: number }>): string {
  if (step.do === 'transfer' && step.to === step.by) return 'ok';
  if (step.to === model.owner) return 'workspace.owner_fixed';
  if (!model.members.has(step.to)) return 'workspace.member_not_found';
  if (step.do === 'role') model.members.set(step.to, step.role);
  else model.members.delete(step.to);
  if (step.do === 'transfer') {
    model.members.set(model.owner, 'admin');
    model.owner = step.to;
  }
  return 'ok';
}

const who = fc.nat({ max: PEOPLE - 1 });
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({ do: fc.constantFrom('rename', 'leave', 'delete', 'restore'), by: who }),
    fc.record({ do: fc.constant('role' as const), by: who, to: who, role: fc.constantFrom(...member_roles) }),
    fc.record({ do: fc.constantFrom('remove', 'transfer'), by: who, to: who }),
  ),
  { minLength: 1, maxLength: 12 },
);

async function run(people: UserCtx[], workspace_id: string, step: Step): Promise<string> {
  const ctx = people[step.by]!;
  const to = 'to' in step ? { workspace_id, user_id: people[step.to]!.actor.user_id } : { workspace_id, user_id: '' };
  const verbs: Record<Step['do'], () => Promise<unknown>> = {
    rename: () => updateWorkspace(ctx, { workspace_id, icon: newId() }),
    leave: () => leaveWorkspace(ctx, { workspace_id }),
    delete: () => deleteWorkspace(ctx, { workspace_id, name: 'Seeded workspace' }),
    restore: () => restoreWorkspace(ctx, { workspace_id }),
    role: () => changeWorkspaceMember(ctx, { ...to, role: (step as { role: MemberRole }).role }),
    remove: () => removeWorkspaceMember(ctx, to),
    transfer: () => transferWorkspace(ctx, to),
  };
  try {
    await verbs[step.do]();
    return 'ok';
  } catch (error) {
    if (error instanceof AppError) return error.code;
    throw error;
  }
}

/** What a role in the workspace gives on its canvases. */
const ON_CANVAS: Record<WorkspaceRole, CanvasRole | null> = {
  owner: 'owner',
  admin: 'admin',
  member: 'editor',
  guest: null,
};

it('everybody may what their role allows and no more, whatever happened before', async () => {
  const { db } = database;
  const people = await Promise.all(
    Array.from({ length: PEOPLE }, async () => personCtx(db, (await seedUser(db)).user_id)),
  );
  const idOf = (index: number): string => people[index]!.actor.user_id;
  const joined = fc.uniqueArray(fc.tuple(fc.integer({ min: 1, max: PEOPLE - 1 }), fc.constantFrom(...member_roles)), {
    selector: ([index]) => index,
  });
  await fc.assert(
    fc.asyncProperty(joined, steps, async (members, plan) => {
      const workspace = await seedWorkspace(db, { user_id: idOf(0) });
      const { workspace_id } = workspace;
      const canvas = await seedCanvas(db, workspace);
      for (const [index, role] of members) await addMember(db, workspace, role, { user_id: idOf(index) });
      const model: Model = { owner: 0, members: new Map(members), deleted: false };
      for (const step of plan) {
        expect(await run(people, workspace_id, step)).toBe(expectStep(model, step));
      }
      if (model.deleted) {
        model.deleted = false;
        await restoreWorkspace(people[model.owner]!, { workspace_id });
      }
      const { items } = await listWorkspaceMembers(people[model.owner]!, { workspace_id });
      const listed = items.map(({ user_id, role }) => [user_id, role]).toSorted();
      expect(listed).toEqual(
        people.flatMap((_, index) => (roleOf(model, index) ? [[idOf(index), roleOf(model, index)]] : [])).toSorted(),
      );
      for (const [index, ctx] of people.entries()) {
        const role = roleOf(model, index);
        const seen = await getWorkspace(ctx, { workspace_id }).catch(() => null);
        expect(seen?.role ?? null).toBe(role);
        const on_canvas = await getCanvasRole(db, { user_id: idOf(index), canvas_id: canvas.canvas_id });
        expect(on_canvas).toBe(role && ON_CANVAS[role]);
      }
    }),
    { numRuns: 60 },
  );
});

it('many roles at once are those of one at a time: the highest of the three paths', async () => {
  const { db } = database;
  const home = await seedWorkspace(db);
  const gone = await seedWorkspace(db);
  const canvases = await Promise.all([home, home, gone].map((workspace) => seedCanvas(db, workspace)));
  const everybody: string[] = [home.owner_user_id, gone.owner_user_id, newId()];
  for (const role of [null, ...member_roles]) {
    for (const access of [null, ...grantable_roles]) {
      const { user_id } = await seedUser(db);
      everybody.push(user_id);
      if (role) await addMember(db, home, role, { user_id });
      if (access) await addCanvasAccess(db, canvases[0]!, access, { user_id });
      const [by_workspace, expected] = [role && ON_CANVAS[role], access ?? null];
      const highest = [by_workspace, expected]
        .filter((one) => one !== null)
        .toSorted((a, b) => canvas_roles.indexOf(b) - canvas_roles.indexOf(a))[0];
      const found = await getCanvasRole(db, { user_id, canvas_id: canvases[0]!.canvas_id });
      expect(found).toBe(highest ?? null);
      if (found && access) expect(hasRole(found, access)).toBe(true);
    }
  }
  await database.asOwner('update app.workspaces set deleted_at = now() where id = $1', [gone.workspace_id]);
  const canvas_ids = [...canvases.map(({ canvas_id }) => canvas_id), newId()];
  const pairs = canvas_ids.flatMap((canvas_id) => everybody.map((user_id) => ({ user_id, canvas_id })));
  const rows = await getCanvasRoles(db, pairs);
  const at_once = new Map(rows.map((row) => [`${row.user_id} ${row.canvas_id}`, row]));
  for (const pair of pairs) {
    const row = at_once.get(`${pair.user_id} ${pair.canvas_id}`);
    expect(row?.role ?? null).toBe(await getCanvasRole(db, pair));
    expect(row !== undefined).toBe(canvas_ids.indexOf(pair.canvas_id) < 2);
  }
});
