import type { Stack } from './stack.ts';

/** One answer, its JSON body parsed. */
export interface Answer {
  status: number;
  // The tests' expectations say what it is.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  body: any;
}

/** Somebody at the public doors, with nothing but HTTP and a token. */
export interface Client {
  user_id: string;
  email: string;
  token: string;
  call(method: string, path: string, body?: unknown): Promise<Answer>;
}

export async function requestJson(url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, init);
  const text = await response.text();
  return { status: response.status, body: text === '' ? null : (JSON.parse(text) as unknown) };
}

/** Makes an account at the auth server, and a first request with it. */
export async function signUp(stack: Stack, email: string, name: string): Promise<Client> {
  const answer = await requestJson(`${stack.sandbox.url}/auth/v1/signup`, {
    method: 'POST',
    headers: { apikey: stack.anon_key, 'content-type': 'application/json' },
    body: JSON.stringify({ email, password: 'correct horse battery', data: { full_name: name } }),
  });
  const { access_token, user } = answer.body as { access_token: string; user: { id: string } };
  const client: Client = {
    user_id: user.id,
    email,
    token: access_token,
    call: (method, path, body) =>
      requestJson(`${stack.api.url}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${access_token}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        body: body === undefined ? null : JSON.stringify(body),
      }),
  };
  await client.call('GET', '/api/v1/me');
  return client;
}

export interface Mail {
  id: string;
  subject: string;
  text: string;
}

/** The mails to one address, from the sandbox's inbox. */
export async function readInbox(stack: Stack, email: string): Promise<Mail[]> {
  const { body } = await requestJson(`${stack.sandbox.url}/inbox?to=${encodeURIComponent(email)}`);
  return (body as { items: Mail[] }).items;
}
