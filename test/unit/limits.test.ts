import { addressBucket, limitOf, settle } from '../../service/stores/limits.ts';

describe('rate limits', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:0DB8:0001:0002::9', '2001:db8:1:2::/64'],
  ])('count %s as %s', (address, bucket) => {
    expect(addressBucket(address)).toBe(bucket);
  });

  it('show what remains, and refuse with the seconds to wait', () => {
    const limit = limitOf('key', 60);
    const note = jest.fn();
    settle(limit, [0, 1_000_000], note);
    expect(note).toHaveBeenLastCalledWith({ policy: 'key', limit: 60, remaining: 59, resetSeconds: 1 });
    expect(() => settle(limit, [1_500_000, 60_000_000], note)).toThrow(
      expect.objectContaining({ code: 'rate_limited', headers: { 'Retry-After': '2' } }),
    );
    expect(note).toHaveBeenLastCalledWith({ policy: 'key', limit: 60, remaining: 0, resetSeconds: 60 });
  });
});
