import { createLagMeter, parseLsn } from '../../service/database/lag.ts';

describe('positions in the log', () => {
  it.each([
    ['0/0', 0n],
    ['0/FFFFFFFF', 0xffffffffn],
    ['1/0', 0x100000000n],
    ['16/B374D848', 0x16b374d848n],
  ])('%s', (text, value) => expect(parseLsn(text)).toBe(value));
});

describe('the lag of a reader', () => {
  const meter = () => {
    const made = createLagMeter(1000);
    made.note({ lsn: 10n, atMs: 0 });
    made.note({ lsn: 20n, atMs: 100 });
    made.note({ lsn: 20n, atMs: 200 });
    made.note({ lsn: 30n, atMs: 300 });
    return made;
  };

  it('is the age of the newest position that it has reached', () => {
    expect(meter().lagMs(10n, 310)).toBe(310);
    expect(meter().lagMs(19n, 310)).toBe(310);
    expect(meter().lagMs(20n, 310)).toBe(110);
    expect(meter().lagMs(30n, 310)).toBe(10);
    expect(meter().lagMs(99n, 310)).toBe(10);
  });

  it('is unknown when that is older than all that is remembered', () => {
    expect(meter().lagMs(9n, 310)).toBeUndefined();
    const later = meter();
    later.note({ lsn: 40n, atMs: 1250 });
    expect(later.lagMs(20n, 1250)).toBeUndefined();
    expect(later.lagMs(30n, 1250)).toBe(950);
  });
});
