import { checkConditions, rangeApplies } from '../../service/downloads/conditions.ts';
import { parseRange } from '../../service/downloads/range.ts';
import { cursorOf, idOfCursor, newFileId } from '../../service/stores/file-ids.ts';

describe('Range', () => {
  it.each([
    ['bytes=0-', { start: 0, end: 99 }],
    ['bytes=10-19', { start: 10, end: 19 }],
    ['bytes=90-1000', { start: 90, end: 99 }],
    ['bytes=-10', { start: 90, end: 99 }],
    ['bytes=-1000', { start: 0, end: 99 }],
    ['BYTES=99-99', { start: 99, end: 99 }],
    ['bytes=100-', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    ['bytes=5-4', undefined],
    ['bytes=0-1,5-6', undefined],
    ['bytes=-', undefined],
    ['bytes=a-b', undefined],
    ['bytes=1', undefined],
    ['lines=1-2', undefined],
    ['bytes=99999999999999999999-', undefined],
    [undefined, undefined],
  ])('%s of 100 bytes', (header, range) => expect(parseRange(header, 100)).toEqual(range));

  it('of an empty file cannot be satisfied', () => {
    expect(parseRange('bytes=0-', 0)).toBe('unsatisfiable');
    expect(parseRange('bytes=-5', 0)).toBe('unsatisfiable');
  });
});

describe('conditional requests', () => {
  const modified = new Date('2026-01-02T03:04:05.678Z');
  const file = { etag: '"abc"', modified };
  const same = 'Fri, 02 Jan 2026 03:04:05 GMT';
  const earlier = 'Fri, 02 Jan 2026 03:04:04 GMT';

  it.each<[Record<string, string>, string]>([
    [{}, 'proceed'],
    [{ 'if-none-match': '"abc"' }, 'not-modified'],
    [{ 'if-none-match': 'W/"abc"' }, 'not-modified'],
    [{ 'if-none-match': '"x", "abc"' }, 'not-modified'],
    [{ 'if-none-match': '*' }, 'not-modified'],
    [{ 'if-none-match': '"x"', 'if-modified-since': same }, 'proceed'],
    [{ 'if-modified-since': same }, 'not-modified'],
    [{ 'if-modified-since': earlier }, 'proceed'],
    [{ 'if-modified-since': 'yesterday' }, 'proceed'],
    [{ 'if-match': '"abc"' }, 'proceed'],
    [{ 'if-match': '*' }, 'proceed'],
    [{ 'if-match': 'W/"abc"' }, 'failed'],
    [{ 'if-match': '"x"' }, 'failed'],
    [{ 'if-unmodified-since': same }, 'proceed'],
    [{ 'if-unmodified-since': earlier }, 'failed'],
    [{ 'if-match': '"abc"', 'if-unmodified-since': earlier }, 'proceed'],
    [{ 'if-match': '"x"', 'if-none-match': '"abc"' }, 'failed'],
  ])('%j: %s', (headers, verdict) => expect(checkConditions(headers, file)).toBe(verdict));

  it.each([
    [undefined, true],
    ['"abc"', true],
    ['W/"abc"', false],
    ['"x"', false],
    [same, true],
    [earlier, false],
    ['nonsense', false],
  ])('If-Range %s: %s', (header, applies) => expect(rangeApplies(header, file)).toBe(applies));
});

describe('ids of files', () => {
  it('are UUIDs of version 7 that sort by time', () => {
    const ids = [1, 2, 3_000_000_000_000].map((ms) => newFileId(ms));
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(ids.toSorted()).toEqual(ids);
    expect(new Set(Array.from({ length: 1000 }, () => newFileId(5))).size).toBe(1000);
  });

  it('have opaque cursors that read back, and nothing else does', () => {
    for (let n = 0; n < 100; n++) {
      const id = newFileId();
      expect(idOfCursor(cursorOf(id))).toBe(id);
    }
    for (const bad of ['', 'a', 'x'.repeat(22), `${'A'.repeat(21)}B`, '=', `${'A'.repeat(20)}+A`, 'A'.repeat(23)]) {
      expect(idOfCursor(bad)).toBeUndefined();
    }
  });
});
