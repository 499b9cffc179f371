import { formatDisposition, parseDisposition } from '../../service/uploads/disposition.ts';
import { safeName } from '../../service/uploads/names.ts';

/** As Node hands over a header whose bytes are UTF-8. */
const onTheWire = (text: string) => Buffer.from(text).toString('latin1');

describe('file names', () => {
  it.each([
    ['a.txt', 'a.txt'],
    ['../../etc/passwd', 'passwd'],
    ['C:\\Users\\me\\a.txt', 'a.txt'],
    ['dir/', 'dir'],
    ['', 'unnamed'],
    ['.', 'unnamed'],
    ['..', 'unnamed'],
    ['/', 'unnamed'],
    ['...', 'unnamed'],
    ['\0\x01\n', 'unnamed'],
    ['.bashrc', '.bashrc'],
    ['a\0b\r\nc.txt', 'abc.txt'],
    ['invoice\u202Egnp.exe', 'invoicegnp.exe'],
    ['\u2066a\u2069.txt', 'a.txt'],
    ['e\u0301.txt', '\u00E9.txt'],
    ['\uD800a.txt', '\uFFFDa.txt'],
    ['👩‍👩‍👧 família.png', '👩‍👩‍👧 família.png'],
    ['  a b  ', 'a b'],
    ['\u202E', 'unnamed'],
  ])('%j becomes %j', (raw, safe) => expect(safeName(raw)).toBe(safe));

  it.each(['x'.repeat(300), 'ü'.repeat(300), '🦀'.repeat(100)])('are cut to 255 bytes with their extension', (stem) => {
    const name = safeName(`${stem}.tar`);
    expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255);
    expect(Buffer.byteLength(name)).toBeGreaterThan(250);
    expect(name.endsWith('.tar')).toBe(true);
    expect(name.isWellFormed()).toBe(true);
    expect(name).not.toContain('\uFFFD');
  });
});

describe('Content-Disposition', () => {
  it.each([
    ['form-data; name="file"; filename="a.txt"', 'a.txt'],
    ['form-data; name=file; filename=a.txt', 'a.txt'],
    ['form-data; name="file"; filename="say \\"hi\\".txt"', 'say "hi".txt'],
    ['form-data; name="file"; filename="say %22hi%22.txt"', 'say "hi".txt'],
    ['form-data; name="file"; filename="100%25.txt"', '100%25.txt'],
    ['form-data; name="file"; filename="%E2%82%AC.txt"', '€.txt'],
    ['form-data; name="file"; filename="a;b.txt"', 'a;b.txt'],
    [onTheWire('form-data; name="file"; filename="naïve €.txt"'), 'naïve €.txt'],
    ['form-data; name="file"; filename="na\xefve.txt"', 'naïve.txt'],
    ['form-data; name="file"; filename="x.txt"; filename*=UTF-8\'\'%e2%82%ac.txt', '€.txt'],
    ['form-data; name="file"; filename*=iso-8859-1\'en\'%A3.txt', '£.txt'],
    ['form-data; name="file"; filename="x.txt"; filename*=UTF-8\'\'%e2%8', 'x.txt'],
    ['form-data; name="file"; FileName="x.txt"; filename="y.txt"', 'x.txt'],
    ['form-data; name="file"; filename=""', ''],
    ['form-data; name="file"', undefined],
  ])('%j', (header, filename) => {
    expect(parseDisposition(header)).toEqual({ kind: 'form-data', name: 'file', filename });
  });

  it('is written for old and new clients, and reads back', () => {
    const name = `weird "quote" ‘x’ (1)*'%41.txt`;
    const header = formatDisposition('attachment', name);
    expect(header).toMatch(/^[\x20-\x7e]+$/);
    expect(parseDisposition(header).filename).toBe(name);
    expect(formatDisposition('inline', 'a.png')).toBe(`inline; filename="a.png"; filename*=UTF-8''a.png`);
  });

  it('is read in linear time', () => {
    const before = process.cpuUsage();
    parseDisposition(`form-data; name="${'\\'.repeat(8000)}`);
    parseDisposition('; '.repeat(4000));
    parseDisposition(`;${' '.repeat(8000)}a`);
    expect(process.cpuUsage(before).user / 1e6).toBeLessThan(1);
  });
});
