import { randomBytes } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { AuthDeps } from './deps.ts';
import { AuthError, emailExists, validationFailed } from './errors.ts';
import { checkPasswordStrength, hashPassword } from './passwords.ts';
import { readBody, requireAdmin } from './requests.ts';
import type { AuthStore, User } from './store.ts';
import { addUser, mergeMetadata, presentUser, validateEmail } from './users.ts';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function findUser(store: AuthStore, id: string): User {
  if (!UUID.test(id)) throw new AuthError(404, 'validation_failed', 'user_id must be an UUID');
  const user = store.findUser(id.toLowerCase());
  if (!user) throw new AuthError(404, 'user_not_found', 'User not found');
  return user;
}

/** What a server with the service role key calls. */
export function registerAdminRoutes(app: FastifyInstance, { store, keys, api_keys }: AuthDeps): void {
  app.addHook('onRequest', (request) => requireAdmin(request, keys, api_keys));

  app.post('/invite', async (request) => {
    const body = readBody(request);
    const email = validateEmail(body.text('email') ?? '');
    const existing = store.findUserByEmail(email);
    if (existing?.email_confirmed_at) throw emailExists();
    const user =
      existing ??
      addUser(store, {
        email,
        password_hash: null,
        confirmed: false,
        invited: true,
        user_metadata: body.object('data'),
      });
    user.invited_at = new Date().toISOString();
    await store.save();
    return presentUser(user);
  });

  app.get<{ Querystring: { page?: string; per_page?: string } }>('/admin/users', (request, reply) => {
    const page = Number(request.query.page ?? '1');
    const per_page = Number(request.query.per_page ?? '50');
    if (!Number.isInteger(page) || !Number.isInteger(per_page) || page < 1 || per_page < 1) {
      throw validationFailed('Bad Pagination Parameters: page and per_page must be positive');
    }
    const users = store.users().toSorted((a, b) => b.created_at.localeCompare(a.created_at));
    const last = Math.max(1, Math.ceil(users.length / per_page));
    const link = (to: number, rel: string): string =>
      `</admin/users?page=${String(to)}&per_page=${String(per_page)}>; rel="${rel}"`;
    const links = page < last ? [link(page + 1, 'next'), link(last, 'last')] : [link(last, 'last')];
    void reply.header('x-total-count', users.length).header('link', links.join(', '));
    return { users: users.slice((page - 1) * per_page, page * per_page).map(presentUser), aud: 'authenticated' };
  });

  app.post('/admin/users', async (request) => {
    const body = readBody(request);
    const given = body.text('email');
    if (!given) throw validationFailed('Cannot create a user without either an email or phone');
    const email = validateEmail(given);
    if (store.findUserByEmail(email)) throw emailExists();
    const id = body.text('id')?.toLowerCase();
    if (id !== undefined && (!UUID.test(id) || store.findUser(id))) {
      throw validationFailed('ID must conform to the uuid v4 format');
    }
    const password = body.text('password') ?? randomBytes(32).toString('base64url');
    checkPasswordStrength(password);
    const password_hash = await hashPassword(password);
    const user = addUser(store, {
      id,
      email,
      password_hash,
      confirmed: body.flag('email_confirm'),
      user_metadata: body.object('user_metadata'),
      app_metadata: body.object('app_metadata'),
      role: body.text('role'),
    });
    await store.save();
    return presentUser(user);
  });

  app.get<{ Params: { id: string } }>('/admin/users/:id', (request) => presentUser(findUser(store, request.params.id)));

  app.put<{ Params: { id: string } }>('/admin/users/:id', async (request) => {
    const user = findUser(store, request.params.id);
    const body = readBody(request);
    const [email, password] = [body.text('email'), body.text('password')];
    const new_email = email ? validateEmail(email) : user.email;
    const holder = store.findUserByEmail(new_email);
    if (holder && holder.id !== user.id) throw emailExists();
    if (password !== undefined) {
      checkPasswordStrength(password);
      user.password_hash = await hashPassword(password);
      store.deleteSessions((session) => session.user_id === user.id);
    }
    const now = new Date().toISOString();
    if (body.flag('email_confirm')) user.email_confirmed_at ??= now;
    user.email = new_email;
    user.user_metadata = mergeMetadata(user.user_metadata, { ...body.object('user_metadata'), email: new_email });
    user.app_metadata = mergeMetadata(user.app_metadata, body.object('app_metadata') ?? {});
    user.role = body.text('role') ?? user.role;
    user.updated_at = now;
    await store.save();
    return presentUser(user);
  });

  app.delete<{ Params: { id: string } }>('/admin/users/:id', async (request) => {
    store.deleteUser(findUser(store, request.params.id).id);
    await store.save();
    return {};
  });
}
