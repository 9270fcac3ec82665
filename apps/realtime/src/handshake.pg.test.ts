import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { createHmac, createPublicKey } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { startTestIssuer } from '@potentia/domain/auth/testing/issuer';
import { newId } from '@potentia/domain/platform/uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type HandshakeRefused, refusal, TestClient } from './testing/client.ts';
import { invite, ownedCanvas, person, startHub, type TestCanvas, type TestHub } from './testing/hub.ts';

describe('the handshake', () => {
  let backends: Backends;
  let hub: TestHub;
  let canvas: TestCanvas;

  beforeAll(async () => {
    backends = await startBackends();
    hub = await startHub(backends);
    canvas = await ownedCanvas(backends);
  });
  afterAll(async () => {
    await hub?.stop();
    await backends?.[Symbol.asyncDispose]();
  });

  const canvasUrl = (id = canvas.canvas_id): string => `${hub.url}/ws/canvas/${id}`;

  /** Opens a connection and sends `text` on it. */
  async function openRaw(text: string, { url } = hub): Promise<Socket> {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    socket.write(text);
    return socket;
  }

  /** Everything that an upgrade is answered until the hub closes the connection. */
  async function upgradeRaw(request_line: string): Promise<string> {
    let answer = '';
    const socket = await openRaw(
      `${request_line} HTTP/1.1\r\nHost: hub\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
    await once(socket, 'close');
    return answer;
  }

  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

  it('refuses on both channels whoever has no valid token, in plain HTTP', async () => {
    const { issuer } = backends;
    const sub = canvas.owner.user_id;
    await using other = await startTestIssuer();
    const [header, payload, signature] = canvas.owner.token.split('.') as [string, string, string];
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object;
    const jwk = issuer.keys[0]!.public_jwk;
    const pem = createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' });
    const hs256 = `${encode({ alg: 'HS256', typ: 'JWT', kid: jwk.kid })}.${payload}`;
    const tokens: Record<string, [token: string | undefined, code: string]> = {
      'no token': [undefined, 'auth.token_missing'],
      garbage: ['garbage', 'auth.token_invalid'],
      expired: [await issuer.sign({ sub, exp: 1_000 }), 'auth.token_expired'],
      'of another issuer': [await other.sign({ sub }), 'auth.token_invalid'],
      'of another issuer under our name': [await other.sign({ sub, iss: issuer.issuer }), 'auth.token_invalid'],
      'for another audience': [await issuer.sign({ sub, aud: 'anon' }), 'auth.token_invalid'],
      'alg none': [`${encode({ alg: 'none', typ: 'JWT' })}.${payload}.`, 'auth.token_invalid'],
      'HS256 signed with the public key': [
        `${hs256}.${createHmac('sha256', pem).update(hs256).digest('base64url')}`,
        'auth.token_invalid',
      ],
      'unknown kid': [await issuer.sign({ sub }, { header: { kid: 'nobody' } }), 'auth.token_invalid'],
      'another body': [`${header}.${encode({ ...claims, sub: newId() })}.${signature}`, 'auth.token_invalid'],
    };
    for (const [name, [token, code]] of Object.entries(tokens)) {
      for (const url of [canvasUrl(), `${hub.url}/ws/me`]) {
        expect(await refusal(url, token), `${name} at ${url}`).toEqual({ status: 401, code });
      }
    }
  });

  it('refuses a token in the URL, with or without a good one beside it', async () => {
    const { token } = canvas.owner;
    const expected = { status: 401, code: 'auth.token_in_url' };
    expect(await refusal(`${canvasUrl()}?token=${token}`)).toEqual(expected);
    expect(await refusal(`${canvasUrl()}?access_token=${token}`, token)).toEqual(expected);
    expect(await refusal(`${hub.url}/ws/me?jwt=${token}`, token)).toEqual(expected);
  });

  it('refuses a foreign origin and takes one that is listed', async () => {
    const { token } = canvas.owner;
    for (const origin of ['https://evil.example.com', 'null', 'https://app.example.com.evil.com']) {
      expect(await refusal(canvasUrl(), token, { origin })).toEqual({ status: 403, code: 'ws.origin_forbidden' });
    }
    await using client = await TestClient.connect(canvasUrl(), token, { origin: 'https://app.example.com' });
    await client.find('hello');
  });

  it('takes the token as a subprotocol and selects its own', async () => {
    const protocols = ['potentia.v1', `bearer.${canvas.owner.token}`];
    await using client = await TestClient.connect(canvasUrl(), undefined, { protocols });
    expect(client.ws.protocol).toBe('potentia.v1');
    await client.find('hello');
    expect(await refusal(canvasUrl(), canvas.owner.token, { protocols: ['potentia.v9'] })).toEqual({
      status: 400,
      code: 'ws.protocol_unsupported',
    });
  });

  it('shows a stranger nothing: a canvas that is there and one that is not look the same', async () => {
    const stranger = await person(backends);
    const expected = { status: 404, code: 'canvas.not_found' };
    expect(await refusal(canvasUrl(), stranger.token)).toEqual(expected);
    expect(await refusal(canvasUrl(newId()), stranger.token)).toEqual(expected);
  });

  it('names what is wrong with the address', async () => {
    const { token } = canvas.owner;
    expect(await refusal(canvasUrl('not-a-uuid'), token)).toEqual({ status: 400, code: 'request.invalid' });
    expect(await refusal(`${hub.url}/ws/nothing`, token)).toEqual({ status: 404, code: 'http.not_found' });
    const plain = await fetch(canvasUrl(), { headers: { authorization: `Bearer ${token}` } });
    expect(plain.status).toBe(426);
    expect(plain.headers.get('upgrade')).toBe('websocket');
    expect(await plain.json()).toMatchObject({ code: 'http.upgrade_required' });
  });

  it('takes an id in upper case for the same canvas', async () => {
    await using client = await TestClient.connect(canvasUrl(canvas.canvas_id.toUpperCase()), canvas.owner.token);
    expect(await client.find('hello')).toMatchObject({ canvas_id: canvas.canvas_id });
  });

  it('creates the row of a person who comes for the first time', async () => {
    const user_id = newId();
    const token = await backends.issuer.sign({ sub: user_id, email: `${user_id}@example.com` });
    await using client = await TestClient.connect(`${hub.url}/ws/me`, token);
    expect(await client.find('hello')).toMatchObject({ user_id, seq: 0 });
  });

  it('counts the tokens that it does not take, by code', async () => {
    await using fresh = await startHub(backends);
    expect(await refusal(`${fresh.url}/ws/me`, 'nonsense')).toEqual({ status: 401, code: 'auth.token_invalid' });
    const metrics = await (await fetch(`${fresh.url}/metrics`)).text();
    expect(metrics).toMatch(/^potentia_auth_refused_total\{.*code="auth\.token_invalid".*\} 1$/m);
  });

  it.each([
    ['GET /ws/canvas/%zz', 400, 'http.invalid_path'],
    [`GET /ws/canvas/${'x'.repeat(200)}`, 400, 'http.invalid_path'],
    ['GET /health', 400, 'http.no_websocket'],
    ['GET /metrics', 400, 'http.no_websocket'],
    ['HEAD /ready', 400, 'http.no_websocket'],
    ['GET /nothing', 404, 'http.not_found'],
    ['POST /ws/me', 404, 'http.not_found'],
    ['GET /ws/me', 401, 'auth.token_missing'],
  ])('answers the upgrade of %s with a problem and closes the connection', async (request_line, status, code) => {
    const answer = await upgradeRaw(request_line);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(answer).toContain('application/problem+json');
    if (!request_line.startsWith('HEAD')) expect(answer).toContain(`"code":"${code}"`);
  });

  it('counts whoever connects by their address before it looks at their token', async () => {
    await using strict = await startHub(backends, { IP_RATE_LIMIT: '2' });
    const knock = () => refusal(`${strict.url}/ws/me`, 'garbage');
    for (let i = 0; i < 4; i += 1) expect(await knock()).toEqual({ status: 401, code: 'auth.token_invalid' });
    const refused = await TestClient.connect(`${strict.url}/ws/me`, 'garbage').catch((error: unknown) => error);
    expect(refused).toMatchObject({ status: 429, headers: { 'retry-after': '1' } });
    expect((refused as HandshakeRefused).problem).toMatchObject({ code: 'http.ip_rate_limited' });
    // An orchestrator is answered however many others ask.
    expect((await fetch(`${strict.url}/health`)).status).toBe(200);
  });

  it('stops although somebody holds a connection on which nothing is asked', async () => {
    const stopping = await startHub(backends);
    const silent = await openRaw('', stopping);
    const halved = await openRaw('GET /ws/me HTTP/1.1\r\nHost: hub\r\n', stopping);
    await fetch(`${stopping.url}/health`);
    const told = performance.now();
    await Promise.all([stopping.stop(), once(silent, 'close'), once(halved, 'close')]);
    // Half the time after which the server lets go of a connection on which nothing comes.
    expect(performance.now() - told).toBeLessThan(5_000);
  });

  it('limits how often somebody connects', async () => {
    await using strict = await startHub(backends, {
      WS_RATE_LIMITS: '[{"event":"connect","limit":2,"window_ms":60000},{"limit":1000,"window_ms":60000}]',
    });
    const viewer = await invite(backends, canvas, 'viewer');
    const url = `${strict.url}/ws/canvas/${canvas.canvas_id}`;
    await using _first = await TestClient.connect(url, viewer.token);
    await using _second = await TestClient.connect(url, viewer.token);
    expect(await refusal(url, viewer.token)).toEqual({ status: 429, code: 'ws.rate_limited' });
  });
});
