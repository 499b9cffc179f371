import { contentType, mayBeInline } from '../../service/uploads/types.ts';

const octets = 'application/octet-stream';

describe('content types', () => {
  it.each<[string, string | Buffer, string | undefined, string]>([
    ['a PNG', Buffer.from('89504e470d0a1a0a00', 'hex'), 'text/html', 'image/png'],
    ['a JPEG', Buffer.from('ffd8ffe0', 'hex'), undefined, 'image/jpeg'],
    ['a GIF', 'GIF89a…', undefined, 'image/gif'],
    ['a WebP', 'RIFF\x10\x00\x00\x00WEBPVP8 ', undefined, 'image/webp'],
    ['a PDF', '%PDF-1.7', undefined, 'application/pdf'],
    ['a gzip', Buffer.from('1f8b0800', 'hex'), undefined, 'application/gzip'],
    ['an MP4', Buffer.from('00000018667479706d703432', 'hex'), undefined, 'video/mp4'],
    ['a zip', 'PK\x03\x04', 'application/x-evil', 'application/zip'],
    [
      'a document',
      'PK\x03\x04',
      'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
      'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
    ],
    ['text', 'hello, wörld', undefined, 'text/plain'],
    ['text that is said to be HTML', 'hello', 'text/html', 'text/plain'],
    ['CSV', 'a,b\n1,2', 'text/csv; charset=utf-8', 'text/csv'],
    ['JSON', '{"a": 1}', 'application/json', 'application/json'],
    ['script', 'alert(1)', 'text/javascript', 'text/plain'],
    ['HTML', '<!doctype html><script>', 'text/plain', octets],
    ['HTML after a byte-order mark and spaces', '\uFEFF \n<html>', 'image/png', octets],
    ['SVG', '<svg xmlns="…" onload="alert(1)">', 'image/svg+xml', octets],
    ['XML', '<?xml version="1.0"?>', 'application/xml', octets],
    ['bytes that claim to be an image', Buffer.from('00010203', 'hex'), 'image/png', octets],
    ['UTF-8 with a NUL', 'a\0b', 'text/plain', octets],
    ['broken UTF-8', Buffer.from('6180ff61', 'hex'), 'text/plain', octets],
    ['an empty file', '', 'text/html', 'text/plain'],
  ])('%s', (_, start, declared, type) => expect(contentType(Buffer.from(start), declared)).toBe(type));

  it('is text though the first bytes end within a character', () => {
    for (let shift = 0; shift < 4; shift++) {
      expect(contentType(Buffer.from('x'.repeat(shift) + '🦀'.repeat(1100)), undefined)).toBe('text/plain');
    }
  });

  it.each(['text/html', 'image/svg+xml', 'application/pdf', 'application/xml', 'text/javascript', octets])(
    'never shows %s in place',
    (type) => expect(mayBeInline(type)).toBe(false),
  );
});
