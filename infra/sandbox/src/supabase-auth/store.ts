import { openJsonFile } from '../json-file.ts';

export interface User {
  id: string;
  email: string;
  password_hash: string | null;
  role: string;
  email_confirmed_at: string | null;
  invited_at: string | null;
  last_sign_in_at: string | null;
  app_metadata: Record<string, unknown>;
  user_metadata: Record<string, unknown>;
  created_at: string;
  updated_at: string;
}

/** One sign-in. Its refresh tokens are a family: each is the child of the one that was spent for it. */
export interface Session {
  id: string;
  user_id: string;
  created_at: string;
  amr: { method: string; timestamp: number }[];
}

export interface RefreshToken {
  token: string;
  parent: string | null;
  session_id: string;
  revoked: boolean;
  /** Milliseconds since the epoch. */
  updated_at: number;
}

interface State {
  users: User[];
  sessions: Session[];
  refresh_tokens: RefreshToken[];
}

/** Users, sessions and refresh tokens, kept in one JSON file: a stand-in has few, and restarts with all of them. */
export type AuthStore = Awaited<ReturnType<typeof openAuthStore>>;

export async function openAuthStore(data_dir: string | undefined) {
  const file = await openJsonFile<State>(data_dir, 'auth.json', { users: [], sessions: [], refresh_tokens: [] });
  const state = file.value;

  function deleteSessions(isGone: (session: Session) => boolean): void {
    const gone = new Set(state.sessions.filter(isGone).map((session) => session.id));
    state.sessions = state.sessions.filter((session) => !gone.has(session.id));
    state.refresh_tokens = state.refresh_tokens.filter((token) => !gone.has(token.session_id));
  }

  return {
    users: (): readonly User[] => state.users,
    findUser: (id: string): User | undefined => state.users.find((user) => user.id === id),
    findUserByEmail: (email: string): User | undefined =>
      state.users.find((user) => user.email === email.toLowerCase()),
    addUser: (user: User): number => state.users.push(user),
    deleteUser(id: string): void {
      deleteSessions((session) => session.user_id === id);
      state.users = state.users.filter((user) => user.id !== id);
    },
    findSession: (id: string): Session | undefined => state.sessions.find((session) => session.id === id),
    addSession: (session: Session): number => state.sessions.push(session),
    deleteSessions,
    findRefreshToken: (value: string): RefreshToken | undefined =>
      state.refresh_tokens.find(({ token }) => token === value),
    refreshTokensOf: (session_id: string): RefreshToken[] =>
      state.refresh_tokens.filter((token) => token.session_id === session_id),
    addRefreshToken: (token: RefreshToken): number => state.refresh_tokens.push(token),
    save: file.save,
  };
}
