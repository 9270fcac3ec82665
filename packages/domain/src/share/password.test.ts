import { describe, expect, it } from 'vitest';
import type { AppError } from '../platform/errors.ts';
import { hashPassword, verifyPassword } from './password.ts';

describe('a password', () => {
  it('is verified by its hash, which never is the same twice', async () => {
    const [one, two] = await Promise.all([hashPassword('correct horse'), hashPassword('correct horse')]);
    expect(one).not.toBe(two);
    expect(one).toMatch(/^scrypt\$16384\$8\$5\$[\w-]{22}\$[\w-]{43}$/);
    expect(await verifyPassword('correct horse', one)).toBe(true);
    expect(await verifyPassword('correct hors', one)).toBe(false);
    expect(await verifyPassword('', one)).toBe(false);
  });

  it('is the same however its letters are composed', async () => {
    expect(await verifyPassword('cafe\u0301', await hashPassword('caf\u00e9'))).toBe(true);
  });

  it('of whom too many come at once is checked later: nobody waits without end', async () => {
    const stored = await hashPassword('correct horse');
    const asked = await Promise.allSettled(Array.from({ length: 40 }, () => verifyPassword('wrong', stored)));
    const refused = asked.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason as AppError] : []));
    expect(refused).toHaveLength(14);
    expect(refused[0]).toMatchObject({ kind: 'unavailable', code: 'share_link.busy' });
    expect(await verifyPassword('correct horse', stored)).toBe(true);
  }, 20_000);

  it('is not taken for what is no hash', async () => {
    await expect(verifyPassword('x', 'x')).rejects.toThrow('no hash');
  });
});
