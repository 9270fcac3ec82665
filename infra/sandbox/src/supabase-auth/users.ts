import { randomUUID } from 'node:crypto';
import { emailExists, validationFailed } from './errors.ts';
import type { AuthStore, User } from './store.ts';

export interface NewUser {
  id?: string;
  email: string;
  password_hash: string | null;
  confirmed: boolean;
  invited?: boolean;
  user_metadata?: Record<string, unknown>;
  app_metadata?: Record<string, unknown>;
  role?: string;
}

export function validateEmail(email: string): string {
  if (!email) throw validationFailed('An email address is required');
  if (email.length > 255 || !/^[^\s@]+@[^\s@.]+(\.[^\s@.]+)*$/.test(email)) {
    throw validationFailed('Unable to validate email address: invalid format');
  }
  return email.toLowerCase();
}

/** Adds a person. Throws `email_exists`. The caller saves the store. */
export function addUser(store: AuthStore, input: NewUser): User {
  if (store.findUserByEmail(input.email)) throw emailExists();
  const id = input.id ?? randomUUID();
  const now = new Date().toISOString();
  const user: User = {
    id,
    email: input.email.toLowerCase(),
    password_hash: input.password_hash,
    role: input.role ?? 'authenticated',
    email_confirmed_at: input.confirmed ? now : null,
    invited_at: input.invited ? now : null,
    last_sign_in_at: null,
    app_metadata: { provider: 'email', providers: ['email'], ...input.app_metadata },
    user_metadata: {
      ...input.user_metadata,
      sub: id,
      email: input.email.toLowerCase(),
      email_verified: input.confirmed,
      phone_verified: false,
    },
    created_at: now,
    updated_at: now,
  };
  store.addUser(user);
  return user;
}

/** Merges as GoTrue does: `null` removes a member. */
export function mergeMetadata(
  current: Record<string, unknown>,
  patch: Record<string, unknown>,
): Record<string, unknown> {
  return Object.fromEntries(Object.entries({ ...current, ...patch }).filter(([, value]) => value !== null));
}

/** A user on GoTrue's wire. Members that GoTrue omits when empty are `undefined`. */
export function presentUser(user: User): Record<string, unknown> {
  const { id, email, created_at, updated_at } = user;
  const last_sign_in_at = user.last_sign_in_at ?? undefined;
  const identity_data = { sub: id, email, email_verified: user.email_confirmed_at !== null, phone_verified: false };
  return {
    id,
    aud: 'authenticated',
    role: user.role,
    email,
    email_confirmed_at: user.email_confirmed_at ?? undefined,
    invited_at: user.invited_at ?? undefined,
    confirmation_sent_at: user.invited_at ?? undefined,
    phone: '',
    confirmed_at: user.email_confirmed_at ?? undefined,
    last_sign_in_at,
    app_metadata: user.app_metadata,
    user_metadata: user.user_metadata,
    identities: [
      {
        identity_id: id,
        id,
        user_id: id,
        identity_data,
        provider: 'email',
        last_sign_in_at: last_sign_in_at ?? created_at,
        created_at,
        updated_at,
        email,
      },
    ],
    created_at,
    updated_at,
    is_anonymous: false,
  };
}
