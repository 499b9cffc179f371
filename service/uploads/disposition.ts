// Reads Content-Disposition as browsers, curl and libraries write it (RFC 6266, RFC 7578), and writes the one of a download.

/** The parameters that matter here; `filename` is decoded, and not yet safe. */
export interface Disposition {
  /** `form-data`, `attachment`, … in lower case. */
  kind: string;
  name: string | undefined;
  filename: string | undefined;
}

const parameter = /;[ \t]*([\w!#$%&'*+.^`|~-]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\[\s\S])*)"|([^;"]*))/g;

/** Header bytes arrive as latin1; most clients meant UTF-8. */
function utf8OrLatin1(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return bytes.toString('latin1');
  }
}

/**
 * Browsers percent-encode only quotes and line ends, so `100%25.txt` is a name as it stands;
 * some libraries percent-encode everything that is not ASCII, and `%C3%A4` means what it decodes to.
 */
function unescapePercent(text: string): string {
  if (/%[89a-f][0-9a-f]/i.test(text)) {
    try {
      return decodeURIComponent(text);
    } catch {
      // not percent-encoded after all
    }
  }
  return text.replace(/%(22|0d|0a)/gi, (escaped) => decodeURIComponent(escaped));
}

/** An extended value, `UTF-8'en'%e2%82%ac` (RFC 8187); undefined when it is not one. */
function extended(value: string): string | undefined {
  const [, charset, encoded] = /^(utf-8|iso-8859-1)'[^']*'((?:[^%]|%[0-9a-f]{2})*)$/i.exec(value) ?? [];
  if (charset === undefined || encoded === undefined) return undefined;
  const bytes = Buffer.from(
    encoded.replace(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  );
  return charset.toLowerCase() === 'utf-8' ? utf8OrLatin1(bytes) : bytes.toString('latin1');
}

/** @param header the value as Node gives it: one character a byte */
export function parseDisposition(header: string): Disposition {
  const found = new Map<string, string>();
  for (const [, key = '', quoted, bare] of header.matchAll(parameter)) {
    const value = quoted?.replace(/\\(["\\])/g, '$1') ?? bare?.trim() ?? '';
    if (!found.has(key.toLowerCase())) found.set(key.toLowerCase(), value);
  }
  const text = (key: string) => {
    const value = found.get(key);
    return value === undefined ? undefined : utf8OrLatin1(Buffer.from(value, 'latin1'));
  };
  const plain = text('filename');
  return {
    kind: header.split(';', 1)[0]?.trim().toLowerCase() ?? '',
    name: text('name'),
    filename: extended(found.get('filename*') ?? '') ?? (plain === undefined ? undefined : unescapePercent(plain)),
  };
}

/** Content-Disposition of a download: the name in ASCII for old clients, and in full (RFC 6266, appendix D). */
export function formatDisposition(kind: 'inline' | 'attachment', name: string): string {
  const ascii = name.replace(/[^\x20-\x7e]|["\\%]/gu, '_');
  const full = encodeURIComponent(name).replace(
    /['()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `${kind}; filename="${ascii}"; filename*=UTF-8''${full}`;
}
