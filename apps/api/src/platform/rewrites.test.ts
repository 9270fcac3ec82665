import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalUrl } from './rewrites.ts';

const ID = '0199a1b2-0000-7000-8000-000000000001';

describe('older spellings of a path', () => {
  it.each([
    [`/canvas`, '/api/v1/canvases'],
    [`/canvas?limit=2`, '/api/v1/canvases?limit=2'],
    [`/canvas/${ID}`, `/api/v1/canvases/${ID}`],
    [`/canvas/${ID}/mutate`, `/api/v1/canvases/${ID}/mutate`],
    [`/api/canvas/${ID}/blocks/${ID}`, `/api/v1/canvases/${ID}/blocks/${ID}`],
    [`/api/v1/canvas/${ID}/meta`, `/api/v1/canvases/${ID}/meta`],
    [`/canvases/${ID}`, `/api/v1/canvases/${ID}`],
    [`/v1/canvases/${ID}`, `/api/v1/canvases/${ID}`],
    [`/auth/refresh`, '/api/v1/auth/refresh'],
    [`/api/auth/refresh`, '/api/v1/auth/refresh'],
    [`/me`, '/api/v1/me'],
    [`/calendar/${ID}`, `/api/v1/calendars/${ID}`],
    [`/api/calendars/${ID}/subscriptions`, `/api/v1/calendars/${ID}/subscriptions`],
    [`/schedule/${ID}/respond`, `/api/v1/schedules/${ID}/respond`],
    [`/api/v1/schedule/check-rule`, '/api/v1/schedules/check-rule'],
    [`/view/schedules?from=1`, '/api/v1/view/schedules?from=1'],
    [`/api/view/schedules`, '/api/v1/view/schedules'],
    [`/sync/schedules`, '/api/v1/sync/schedules'],
    [`/freebusy`, '/api/v1/freebusy'],
    [`/api/freebusy/slots`, '/api/v1/freebusy/slots'],
    [`/rsvp/preview`, '/api/v1/rsvp/preview'],
    [`/feeds/x.ics`, '/api/v1/feeds/x.ics'],
    [`/chat/turns`, '/api/v1/chat/turns'],
    [`/api/chat/contexts/${ID}/messages?limit=2`, `/api/v1/chat/contexts/${ID}/messages?limit=2`],
    [`/memory/search`, '/api/v1/memory/search'],
    [`/v1/memories/${ID}`, `/api/v1/memories/${ID}`],
    [`/agent/runs`, '/api/v1/agent/runs'],
    [`/usage`, '/api/v1/usage'],
    [`/role-prompts`, '/api/v1/role-prompts'],
  ])('%s is %s', (seed, canonical) => {
    expect(canonicalUrl(seed)).toBe(canonical);
  });

  it.each([
    '/health',
    '/ready',
    '/metrics',
    '/debug/echo',
    '/ws/canvas/x',
    '/openapi.json',
    '/docs/',
    '/canvasses',
    '/mex',
    '/constructor',
    '/',
  ])('%s stays as it is', (path) => {
    expect(canonicalUrl(path)).toBe(path);
  });

  it('rewriting twice changes nothing more', () => {
    const segment = fc.constantFrom(
      'api',
      'v1',
      'canvas',
      'canvases',
      'auth',
      'me',
      'x',
      ID,
      'constructor',
      '__proto__',
    );
    fc.assert(
      fc.property(fc.array(segment, { maxLength: 5 }), (segments) => {
        const once = canonicalUrl(`/${segments.join('/')}`);
        expect(canonicalUrl(once)).toBe(once);
      }),
    );
  });
});
