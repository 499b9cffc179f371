// Makes a file name from whatever a client called its file.

/** What most file systems and headers take. */
const maxBytes = 255;

/** Used when nothing of a name is left. */
const nameless = 'unnamed';

/** Controls, line separators, byte-order marks and what turns the direction of text; joiners stay, as emoji and Persian need them. */
const unwanted = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069\uFEFF\uFFFE\uFFFF]/gu;

/** The longest start of `text` that fits into `bytes` of UTF-8, cut between code points. */
function startOf(text: string, bytes: number): string {
  const buffer = Buffer.from(text);
  if (buffer.length <= bytes) return text;
  let end = bytes;
  while (end > 0 && ((buffer[end] ?? 0) & 0xc0) === 0x80) end--;
  return buffer.toString('utf8', 0, end);
}

/**
 * A name that is safe in a header, a list and a file system: the last component of a path, NFC, without controls and
 * bidirectional overrides, at most 255 bytes of UTF-8 with its extension kept, never empty, never only dots.
 */
export function safeName(raw: string): string {
  const last = raw.split(/[/\\]/).findLast((part) => part.trim() !== '') ?? '';
  const name = last.toWellFormed().replace(unwanted, '').normalize('NFC').trim();
  if (/^\.*$/.test(name)) return nameless;
  if (Buffer.byteLength(name) <= maxBytes) return name;
  const extension = /\.[^.]{1,16}$/u.exec(name)?.[0] ?? '';
  return startOf(name.slice(0, name.length - extension.length), maxBytes - Buffer.byteLength(extension)) + extension;
}
