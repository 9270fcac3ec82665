import { describe, expect, it } from 'vitest';
import { renderScreen, renderTable, type ScreenContent } from './screen.ts';

const user = (slug: string) => ({
  user_id: slug,
  name: slug,
  email: `${slug}@example.com`,
  password: 'secret-word',
  access_token: `token-of-${slug}`,
  header_file: `/home/someone's/${slug}.header`,
});

const content: ScreenContent = {
  api: 'http://127.0.0.1:4000',
  realtime: 'http://127.0.0.1:4001',
  console: 'http://127.0.0.1:4010',
  metrics: ['http://127.0.0.1:4000/metrics', 'http://127.0.0.1:4001/metrics'],
  demo: { users: [user('one'), user('two')], canvas_id: 'the-canvas' },
  detached: false,
};

describe('renderScreen', () => {
  it('names the API first, then the reference, the console and the metrics', () => {
    const urls = renderScreen(content).match(/(http|ws):\/\/127\.0\.0\.1:\d+\S*/g);
    expect(urls?.slice(0, 7)).toEqual([
      'http://127.0.0.1:4000',
      'http://127.0.0.1:4000/docs',
      'http://127.0.0.1:4010/',
      'http://127.0.0.1:4010/whatsapp.html',
      'ws://127.0.0.1:4001/ws/canvas/{id}',
      'http://127.0.0.1:4000/metrics',
      'http://127.0.0.1:4001/metrics',
    ]);
  });

  it('gives both demo users with their tokens, and four commands to try', () => {
    const screen = renderScreen(content);
    expect(screen).toContain('token-of-one');
    expect(screen).toContain('token-of-two');
    expect(screen.match(/^ {2}curl .*$/gm)).toHaveLength(4);
  });

  it('has neither console nor users where a real Supabase signs people in', () => {
    const screen = renderScreen({ ...content, console: undefined, demo: undefined, detached: true });
    expect(screen).not.toMatch(/Console|curl|token/);
    expect(screen).toContain('npm run stop');
  });
});

it('renders a table in columns as wide as they need, with nothing at the ends of lines', () => {
  const rows = [
    ['api', '4000', ''],
    ['wa-worker', '4003', 'postgres: no answer'],
  ];
  expect(renderTable(['service', 'port', ''], rows).split('\n')).toEqual([
    'service    port',
    'api        4000',
    'wa-worker  4003  postgres: no answer',
  ]);
});
