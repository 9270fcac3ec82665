import type { FastifyInstance } from 'fastify';
import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import type { DemoUser } from '../supabase-auth/routes.ts';

export interface ConsoleOptions {
  api_url: string;
  realtime_url: string;
  anon_key: string;
  demo_password: string | null;
}

/** Fixed ids, so that a sandbox that lost its data still knows the people whom the database knows. */
export const DEMO_USERS: readonly DemoUser[] = [
  { id: '00000000-0000-4000-8000-000000000001', email: 'demo-one@example.com', name: 'Demo One' },
  { id: '00000000-0000-4000-8000-000000000002', email: 'demo-two@example.com', name: 'Demo Two' },
];

const FILES = [
  'index.html',
  'style.css',
  'api.js',
  'auth.js',
  'canvas-view.js',
  'canvas.js',
  'dom.js',
  'editor.js',
  'ids.js',
  'invitations.html',
  'invitations.js',
  'mails.js',
  'main.js',
  'model-calls.js',
  'outbox.js',
  'pane.js',
  'people.js',
  'presence.js',
  'shared.html',
  'shared.js',
  'socket.js',
  'whatsapp.css',
  'whatsapp.html',
  'whatsapp.js',
  'whatsapp-bubbles.js',
  'whatsapp-faults.js',
  'whatsapp-phone.js',
  'whatsapp-session.js',
  'whatsapp-sessions.js',
];
/** Where pages stand; what they load is under `/console`. */
const PAGES: Record<string, string> = {
  'index.html': '/',
  'invitations.html': '/invitations',
  'shared.html': '/shared',
  'whatsapp.html': '/whatsapp.html',
};
const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
};

/**
 * The page at `/`: two people, one canvas; and the one at `/invitations`, where the links of mails lead; the phones at
 * `/whatsapp.html`. Static files, and a `config.json` that tells them where the services are.
 */
export function registerConsole(app: FastifyInstance, options: ConsoleOptions): void {
  const { api_url, realtime_url, anon_key, demo_password } = options;
  const policy = [
    "default-src 'self'",
    `connect-src 'self' ${new URL(api_url).origin} ${new URL(realtime_url).origin}`,
    "img-src 'self' data:",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');

  for (const name of FILES) {
    const path = new URL(`public/${name}`, import.meta.url);
    app.get(PAGES[name] ?? `/console/${name}`, async (_request, reply) => {
      const file = await readFile(path);
      return reply
        .header('content-type', TYPES[extname(name)])
        .header('content-security-policy', policy)
        .header('x-content-type-options', 'nosniff')
        .header('cache-control', 'no-cache')
        .send(file);
    });
  }

  app.get('/console/config.json', () => ({
    api_url,
    realtime_url,
    auth_url: '/auth/v1',
    anon_key,
    demo_password,
    demo_users: DEMO_USERS,
  }));
}
