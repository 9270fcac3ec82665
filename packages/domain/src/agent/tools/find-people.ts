import { invalidField } from '../../platform/parse.ts';
import { listWorkspaceMembers } from '../../workspace/list-workspace-members.ts';
import { listWorkspaces } from '../../workspace/list-workspaces.ts';
import type { CallCtx } from './tool.ts';

/** Workspaces whose members are looked through. */
const MAX_WORKSPACES = 10;
const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const SELF = new Set(['me', 'myself', 'i', 'user', 'saya', 'aku']);

interface Person {
  user_id: string;
  name: string;
  email: string | null;
}

/**
 * Whom names, addresses and ids mean, among those who share a workspace with the person; without any the person alone. Throws
 * `request.invalid` at `/people/…` for nobody, or for several.
 */
export async function findPeople(ctx: CallCtx, named: readonly string[] = []): Promise<Person[]> {
  const self = { user_id: ctx.actor.user_id, name: 'me', email: null };
  if (named.length === 0) return [self];
  const known = await peopleAround(ctx);
  const found = named.map((text, at) => {
    const wanted = text.trim().toLowerCase();
    if (SELF.has(wanted) || wanted === ctx.actor.user_id) return self;
    if (ID.test(wanted))
      return known.find(({ user_id }) => user_id === wanted) ?? { user_id: wanted, name: wanted, email: null };
    const matches = known.filter((person) => isMeant(person, wanted));
    const [only] = matches;
    if (only && matches.length === 1) return only;
    const reason = only
      ? `Several: ${matches.slice(0, 5).map(label).join(', ')}`
      : 'Nobody of this name shares a workspace';
    throw invalidField(`/people/${at}`, reason);
  });
  return [...new Map(found.map((person) => [person.user_id, person])).values()];
}

const label = ({ name, email }: Person): string => `${name} <${email ?? ''}>`;

function isMeant({ name, email }: Person, wanted: string): boolean {
  const lower = name.toLowerCase();
  return email?.toLowerCase() === wanted || lower === wanted || lower.split(/\s+/).includes(wanted);
}

async function peopleAround(ctx: CallCtx): Promise<Person[]> {
  const { items } = await listWorkspaces(ctx, { limit: MAX_WORKSPACES });
  const shared = items.filter(({ is_personal }) => !is_personal);
  const pages = await Promise.all(
    shared.map(({ id }) => listWorkspaceMembers(ctx, { workspace_id: id, limit: 200 }).catch(() => ({ items: [] }))),
  );
  return [...new Map(pages.flatMap((page) => page.items).map((one) => [one.user_id, one])).values()];
}
