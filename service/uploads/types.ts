// Tells the content type of a file from its first bytes; what the client declares only refines it.
import { isUtf8 } from 'node:buffer';

/** First bytes that are looked at. */
export const sniffBytes = 4096;

export const unknownType = 'application/octet-stream';

/** Type, its magic number in latin1, and where that starts. */
const magic: readonly (readonly [type: string, bytes: string, offset: number])[] = [
  ['image/png', '\x89PNG\r\n\x1a\n', 0],
  ['image/jpeg', '\xff\xd8\xff', 0],
  ['image/gif', 'GIF87a', 0],
  ['image/gif', 'GIF89a', 0],
  ['image/webp', 'WEBPVP8', 8],
  ['image/avif', 'ftypavif', 4],
  ['image/tiff', 'II*\0', 0],
  ['image/tiff', 'MM\0*', 0],
  ['application/pdf', '%PDF-', 0],
  ['application/zip', 'PK\x03\x04', 0],
  ['application/zip', 'PK\x05\x06', 0],
  ['application/gzip', '\x1f\x8b\x08', 0],
  ['application/zstd', '\x28\xb5\x2f\xfd', 0],
  ['application/x-xz', '\xfd7zXZ\0', 0],
  ['application/x-bzip2', 'BZh', 0],
  ['application/x-7z-compressed', "7z\xbc\xaf'\x1c", 0],
  ['application/x-tar', 'ustar', 257],
  ['video/mp4', 'ftyp', 4],
  ['video/webm', '\x1a\x45\xdf\xa3', 0],
  ['audio/mpeg', 'ID3', 0],
  ['audio/ogg', 'OggS', 0],
  ['audio/wav', 'WAVEfmt ', 8],
  ['audio/flac', 'fLaC', 0],
  ['application/wasm', '\0asm', 0],
];

/** Declared types that are believed when the bytes are what such a file starts with. */
const refinements: Record<string, RegExp> = {
  'text/plain': /^(?:text\/(?:csv|markdown|calendar|tab-separated-values)|application\/(?:json|yaml|toml))$/,
  'application/zip':
    /^application\/(?:epub\+zip|vnd\.(?:openxmlformats-officedocument|oasis\.opendocument)\.[\w.-]{1,100})$/,
};

/** Types a browser may show in place. None of them can run a script. */
const inline = new Set([
  'text/plain',
  'image/png',
  'image/jpeg',
  'image/gif',
  'image/webp',
  'image/avif',
  'video/mp4',
  'video/webm',
  'audio/mpeg',
  'audio/ogg',
  'audio/wav',
  'audio/flac',
]);

export function mayBeInline(type: string): boolean {
  return inline.has(type);
}

/** Valid UTF-8 without NUL and other controls; the last character may be cut off. */
function isText(head: Buffer): boolean {
  let end = head.length;
  for (let back = 1; back <= 3 && back <= head.length; back++) {
    const byte = head[head.length - back] ?? 0;
    if (byte >= 0xc0) {
      end = head.length - back;
      break;
    }
    if (byte < 0x80) break;
  }
  const whole = head.subarray(0, end);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: controls are what tells bytes from text
  return (isUtf8(head) || isUtf8(whole)) && !/[\0-\x08\x0e-\x1a\x1c-\x1f]/.test(whole.toString('latin1'));
}

function sniff(head: Buffer): string {
  for (const [type, bytes, offset] of magic) {
    if (head.toString('latin1', offset, offset + bytes.length) === bytes) return type;
  }
  if (!isText(head)) return unknownType;
  // Markup could be HTML or SVG, which run scripts: it stays a download.
  return /^[\s\uFEFF]*</.test(head.toString('utf8')) ? unknownType : 'text/plain';
}

/**
 * The type a file is stored and served with.
 *
 * @param start its first bytes, at least `sniffBytes` unless the file is shorter
 * @param declared the client's Content-Type, if it gave one
 */
export function contentType(start: Buffer, declared: string | undefined): string {
  const sniffed = sniff(start.subarray(0, sniffBytes));
  const claim = declared?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  return refinements[sniffed]?.test(claim) ? claim : sniffed;
}
