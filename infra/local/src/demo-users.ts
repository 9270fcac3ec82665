import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { local_dir } from './paths.ts';
import { Problem } from './problem.ts';

/** Of both demo users, whom the sandbox makes when it is told this. */
export const DEMO_PASSWORD = 'demo-password';
const NAMES = ['demo-one', 'demo-two'];

export interface AuthServer {
  /** Base of a Supabase project. */
  url: string;
  anon_key: string;
}

export interface DemoUser {
  user_id: string;
  name: string;
  email: string;
  password: string;
  access_token: string;
  /** Holds the `authorization` header, for `curl -H @file`. */
  header_file: string;
}

/** Signs both demo users in. */
export async function signInDemoUsers(auth: AuthServer): Promise<DemoUser[]> {
  return Promise.all(
    NAMES.map(async (slug) => {
      const email = `${slug}@example.com`;
      const { access_token, user } = await signIn(auth, email);
      const header_file = path.join(local_dir, `${slug}.header`);
      await writeFile(header_file, `authorization: Bearer ${access_token}\n`, { mode: 0o600 });
      const { id: user_id, user_metadata } = user;
      return {
        user_id,
        name: user_metadata.full_name ?? email,
        email,
        password: DEMO_PASSWORD,
        access_token,
        header_file,
      };
    }),
  );
}

interface SignIn {
  access_token: string;
  user: { id: string; user_metadata: { full_name?: string } };
}

async function signIn({ url, anon_key }: AuthServer, email: string): Promise<SignIn> {
  const response = await fetch(`${url}/auth/v1/token?grant_type=password`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', apikey: anon_key },
    body: JSON.stringify({ email, password: DEMO_PASSWORD }),
  });
  if (!response.ok) throw new Problem(`${email} cannot sign in: ${response.status} ${await response.text()}`);
  return (await response.json()) as SignIn;
}
