// The commands of docs/operations.md, as they are written there.
import { readFileSync } from 'node:fs';

export const operations = readFileSync('docs/operations.md', 'utf8');

/** What is marked as code: fenced by line, where one that ends in a backslash goes on, then inline. */
export function writtenIn(text: string): string[] {
  const fenced = /^```sh\n([\s\S]*?)^```$/gm;
  return [
    ...[...text.matchAll(fenced)].flatMap(([, block = '']) => block.trim().split(/(?<!\\)\n/)),
    ...[...text.replace(/^```[\s\S]*?^```$/gm, '').matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code),
  ];
}
