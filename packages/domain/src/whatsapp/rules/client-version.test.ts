import { expect, test } from 'vitest';
import { parseVersion } from './client-version.ts';

test('a version is three whole numbers', () => {
  expect(parseVersion('2.3000.1043857760')).toEqual([2, 3000, 1_043_857_760]);
  for (const text of ['', '2.3000', '2.3000.x', '2.3000.1.0', ' 2.3000.1', '2.-1.1', '2.3000.1e9', 'latest'])
    expect(parseVersion(text), text).toBeNull();
});
