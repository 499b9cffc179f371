import { hashSecret, newKey, parseKey, sameSecret } from '../../service/stores/key-text.ts';

describe('the text of a key', () => {
  it('has a public id and 256 bits of secret, and parses', () => {
    for (let i = 0; i < 200; i++) {
      const { id, secret, key } = newKey();
      expect(key).toMatch(/^slw_[0-9A-Za-z]{12}_[\w-]{43}$/);
      expect(Buffer.from(secret, 'base64url')).toHaveLength(32);
      expect(parseKey(key)).toEqual({ id, secret });
    }
  });

  const { key, secret } = newKey();
  it.each([
    '',
    'slw_',
    key.slice(0, -1),
    `${key}a`,
    `${key}\n`,
    ` ${key}`,
    key.replace('slw_', 'SLW_'),
    key.replace('slw_', 'slx_'),
    `slw_${'é'.repeat(12)}_${secret}`,
    `slw_${'-'.repeat(12)}_${secret}`,
    `slw_${'a'.repeat(12)}_${'+'.repeat(43)}`,
    'a'.repeat(100_000),
  ])('refuses %j', (text) => expect(parseKey(text)).toBeUndefined());

  it('only the very secret has its hash', () => {
    expect(sameSecret(secret, hashSecret(secret))).toBe(true);
    expect(sameSecret(secret.toLowerCase(), hashSecret(secret))).toBe(false);
    expect(sameSecret(secret, Buffer.alloc(32))).toBe(false);
  });
});
