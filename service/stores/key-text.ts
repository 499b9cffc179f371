// The text of an API key: slw_<public id>_<secret>.
import { hash, randomBytes, randomInt, timingSafeEqual } from 'node:crypto';

const idLength = 12;
const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const keyPattern = /^slw_([0-9A-Za-z]{12})_([\w-]{43})$/;

/** A public id of 71 bits and a secret of 256, base64url; `key` is what the client sends. */
export function newKey(): { id: string; secret: string; key: string } {
  const id = Array.from({ length: idLength }, () => alphabet[randomInt(alphabet.length)]).join('');
  const secret = randomBytes(32).toString('base64url');
  return { id, secret, key: `slw_${id}_${secret}` };
}

/** The parts of a presented key; undefined when it cannot be one. */
export function parseKey(presented: string): { id: string; secret: string } | undefined {
  const [, id, secret] = keyPattern.exec(presented) ?? [];
  return id === undefined || secret === undefined ? undefined : { id, secret };
}

/** One round of SHA-256 is enough: a secret of 256 random bits cannot be guessed from its hash. */
export const hashSecret = (secret: string): Buffer => hash('sha256', secret, 'buffer');

/** Takes the same time whether or not it is the secret of that hash. */
export const sameSecret = (secret: string, hash: Buffer): boolean => timingSafeEqual(hashSecret(secret), hash);
