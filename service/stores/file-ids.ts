// Ids of files: UUIDs of version 7 (RFC 9562), which sort by time.
import { randomFillSync } from 'node:crypto';

/** 48 bits of Unix time in ms, then 74 random bits. */
export function newFileId(nowMs = Date.now()): string {
  const bytes = randomFillSync(Buffer.allocUnsafe(16));
  bytes.writeUIntBE(nowMs, 0, 6);
  bytes.writeUInt8(0x70 | (bytes.readUInt8(6) & 0x0f), 6);
  bytes.writeUInt8(0x80 | (bytes.readUInt8(8) & 0x3f), 8);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

/** An opaque cursor that stands for an id. */
export function cursorOf(id: string): string {
  return Buffer.from(id.replaceAll('-', ''), 'hex').toString('base64url');
}

/** The id a cursor stands for; undefined when it is not one. */
export function idOfCursor(cursor: string): string | undefined {
  if (!/^[\w-]{21}[AQgw]$/.test(cursor)) return undefined;
  const hex = Buffer.from(cursor, 'base64url').toString('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
