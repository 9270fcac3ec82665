import type { FastifyInstance } from 'fastify';
import type { AuthDeps } from './deps.ts';
import { AuthError, emailExists, invalidCredentials, validationFailed } from './errors.ts';
import { checkPasswordStrength, hashPassword, isPassword } from './passwords.ts';
import { readBody, requireUser } from './requests.ts';
import { addUser, mergeMetadata, presentUser, validateEmail } from './users.ts';

/** What a person's own client calls. */
export function registerUserRoutes(app: FastifyInstance, deps: AuthDeps): void {
  const { store, sessions } = deps;

  app.post('/signup', async (request) => {
    const body = readBody(request);
    const given = body.text('email');
    if (!given) throw new AuthError(422, 'anonymous_provider_disabled', 'Anonymous sign-ins are disabled');
    const password = body.text('password');
    if (!password) throw validationFailed('Signup requires a valid password');
    checkPasswordStrength(password);
    const email = validateEmail(given);
    const user_metadata = body.object('data');
    const password_hash = await hashPassword(password);
    if (store.findUserByEmail(email)) throw new AuthError(422, 'user_already_exists', 'User already registered');
    const user = addUser(store, { email, password_hash, confirmed: true, user_metadata });
    return sessions.signIn(user, 'password');
  });

  app.post<{ Querystring: { grant_type?: string } }>('/token', async (request) => {
    const body = readBody(request);
    switch (request.query.grant_type) {
      case 'password': {
        const email = body.text('email');
        if (!email) throw validationFailed('missing email or phone');
        const user = store.findUserByEmail(email);
        if (!user?.password_hash) throw invalidCredentials();
        if (!(await isPassword(body.text('password') ?? '', user.password_hash))) throw invalidCredentials();
        if (!user.email_confirmed_at) throw new AuthError(400, 'email_not_confirmed', 'Email not confirmed');
        return sessions.signIn(user, 'password');
      }
      case 'refresh_token':
        return sessions.refresh(body.text('refresh_token') ?? '');
      default:
        throw new AuthError(400, 'invalid_credentials', 'unsupported_grant_type');
    }
  });

  app.get('/user', async (request) => presentUser((await requireUser(request, deps)).user));

  app.put('/user', async (request) => {
    const { user, session } = await requireUser(request, deps);
    const body = readBody(request);
    const [email, password, data] = [body.text('email'), body.text('password'), body.object('data')];
    if (body.object('app_metadata')) {
      throw new AuthError(403, 'not_admin', 'Updating app_metadata requires admin privileges');
    }
    const new_email = email ? validateEmail(email) : user.email;
    const holder = store.findUserByEmail(new_email);
    if (holder && holder.id !== user.id) throw emailExists();
    if (password !== undefined) {
      checkPasswordStrength(password);
      if (user.password_hash && (await isPassword(password, user.password_hash))) {
        throw new AuthError(422, 'same_password', 'New password should be different from the old password.');
      }
      user.password_hash = await hashPassword(password);
      store.deleteSessions((other) => other.user_id === user.id && other.id !== session.id);
    }
    user.email = new_email;
    user.user_metadata = mergeMetadata(user.user_metadata, { ...data, email: new_email });
    user.updated_at = new Date().toISOString();
    await store.save();
    return presentUser(user);
  });

  app.post<{ Querystring: { scope?: string } }>('/logout', async (request, reply) => {
    const { user, session } = await requireUser(request, deps);
    const scope = request.query.scope ?? 'global';
    if (!['global', 'local', 'others'].includes(scope)) throw validationFailed(`Unsupported logout scope "${scope}"`);
    store.deleteSessions((other) => {
      if (other.user_id !== user.id) return false;
      return scope === 'global' || (scope === 'local') === (other.id === session.id);
    });
    await store.save();
    return reply.code(204).send();
  });
}
