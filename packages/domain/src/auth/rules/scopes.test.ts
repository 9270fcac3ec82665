import { expect, it } from 'vitest';
import { api_key_scopes, grantsScope } from './scopes.ts';

it('a scope grants itself and the reading of what it changes, and nothing else', () => {
  const granted = (scope: (typeof api_key_scopes)[number]) => api_key_scopes.filter((it) => grantsScope([scope], it));
  expect(Object.fromEntries(api_key_scopes.map((scope) => [scope, granted(scope)]))).toEqual({
    'canvas:read': ['canvas:read'],
    'canvas:write': ['canvas:read', 'canvas:write'],
    'calendar:read': ['calendar:read'],
    'calendar:write': ['calendar:read', 'calendar:write'],
    'whatsapp:read': ['whatsapp:read'],
    'whatsapp:write': ['whatsapp:read', 'whatsapp:write'],
    'workspace:read': ['workspace:read'],
    'workspace:admin': ['workspace:read', 'workspace:admin'],
  });
});

it('what names no scope is granted to no key', () => {
  expect(grantsScope(api_key_scopes, undefined)).toBe(false);
});
