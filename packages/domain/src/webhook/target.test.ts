import { describe, expect, it } from 'vitest';
import { createTargetGuard, type Resolve } from './target.ts';

const never: Resolve = () => Promise.reject(new Error('no name was to be looked up'));
const guardOf = (resolve: Resolve = never, options: { allow_http?: boolean; allowed_networks?: string[] } = {}) =>
  createTargetGuard({ resolve, allow_http: false, allowed_networks: [], ...options });
const fails =
  (code: string): Resolve =>
  () =>
    Promise.reject(Object.assign(new Error(code), { code }));

describe('a URL', () => {
  it('that leads to a public address is taken, in its normal form', async () => {
    const guard = guardOf(() => Promise.resolve(['93.184.216.34', '2606:2800:220:1:248:1893:25c8:1946']));
    expect(await guard.check('HTTPS://Example.COM:443/a b?c=d', '/url')).toBe('https://example.com/a%20b?c=d');
  });

  it.each([
    ['http://example.com/', 'Must be an https URL'],
    ['ftp://example.com/', 'Must be an https URL'],
    ['file:///etc/passwd', 'Must be an https URL'],
    ['javascript:alert(1)', 'Must be an https URL'],
    ['nothing', 'Must be a URL'],
    ['https://', 'Must be a URL'],
    ['https://user:secret@example.com/', 'Must hold no credentials'],
    ['https://user@example.com/', 'Must hold no credentials'],
    ['https://example.com/#here', 'Must have no fragment'],
    ['https://example.com:22/', 'The port must be 80, 443 or above 1023'],
    [`https://example.com/${'a'.repeat(2_000)}`, 'At most 2000 characters'],
    [`https://example.com/${'é'.repeat(700)}`, 'At most 2000 characters'],
  ])('is refused: %s', async (url, message) => {
    const guard = guardOf(() => Promise.resolve(['93.184.216.34']));
    await expect(guard.check(url, '/url')).rejects.toMatchObject({
      code: 'request.invalid',
      meta: { errors: [{ pointer: '/url', message }] },
    });
  });

  it.each([
    ...['https://127.0.0.1/', 'https://127.1/', 'https://0x7f000001/', 'https://2130706433/', 'https://0177.0.0.1/'],
    ...['https://[::1]/', 'https://[::ffff:127.0.0.1]/', 'https://[::ffff:7f00:1]/', 'https://[64:ff9b::a9fe:a9fe]/'],
    ...['https://169.254.169.254/latest/meta-data', 'https://10.0.0.1:8443/', 'https://0.0.0.0/', 'https://[::]/'],
    ...['https://localhost/', 'https://LOCALHOST./', 'https://db.localhost/', 'https://①②⑦.⓪.⓪.①/'],
    ...['https://[2002:7f00:1::]/', 'https://[fe80::1]/', 'https://[fd00::1]/', 'https://127.0.0.1./'],
  ])('to the inside is refused without a look-up: %s', async (url) => {
    await expect(guardOf().check(url, '/url')).rejects.toMatchObject({
      meta: { errors: [{ pointer: '/url', message: 'Must lead to a public address' }] },
    });
  });

  it('whose name leads inside is refused, also when only one of its addresses does', async () => {
    for (const addresses of [['10.0.0.1'], ['93.184.216.34', '127.0.0.1'], ['93.184.216.34', '::1'], ['bad'], []]) {
      const guard = guardOf(() => Promise.resolve(addresses));
      await expect(guard.check('https://example.com/', '/url'), addresses.join()).rejects.toMatchObject({
        code: 'request.invalid',
      });
    }
  });

  it('whose name does not exist is refused; when DNS does not answer, the delivery will find out', async () => {
    await expect(guardOf(fails('ENOTFOUND')).check('https://example.com/', '/url')).rejects.toMatchObject({
      meta: { errors: [{ message: 'This host does not exist' }] },
    });
    for (const code of ['ETIMEOUT', 'ESERVFAIL', 'ECONNREFUSED'])
      expect(await guardOf(fails(code)).check('https://example.com/', '/url')).toBe('https://example.com/');
  });

  it('of this machine is taken where that is configured', async () => {
    const guard = guardOf(never, { allow_http: true, allowed_networks: ['127.0.0.0/8'] });
    expect(await guard.check('http://127.0.0.1:4010/hook', '/url')).toBe('http://127.0.0.1:4010/hook');
    expect(await guard.addressesOf('localhost')).toEqual(['127.0.0.1']);
    await expect(guard.check('http://10.0.0.1/', '/url')).rejects.toMatchObject({ code: 'request.invalid' });
  });
});
