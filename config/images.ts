// The one place that says which image runs where: images.json, written by a deployment.
import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { imageRepository } from './aws-names.ts';
import type { Environment } from './environment.ts';

const version = {
  tag: z.string('needs a tag').regex(/^[\w][\w.-]{0,127}$/, 'must be a tag such as 1.4.2'),
  digest: z
    .string()
    .regex(/^sha256:[0-9a-f]{64}$/, 'must be sha256: and 64 hexadecimal digits')
    .optional(),
};
const pinned = z.strictObject({ repository: z.string().min(1), ...version });

const schema = z.strictObject({
  /** By environment. */
  service: z.record(z.string(), z.strictObject(version)),
  nginx: pinned,
  postgres: pinned,
  redis: pinned,
  s3: pinned,
});

export type Images = z.infer<typeof schema>;
/** An image that is not the service's own. */
export type ThirdParty = Exclude<keyof Images, 'service'>;

export const imagesFile = new URL('./images.json', import.meta.url);

/** @throws Error naming the image and its fault */
export function parseImages(text: string): Images {
  const parsed = schema.safeParse(JSON.parse(text));
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`);
  throw new Error(`config/images.json: ${faults.join('; ')}`);
}

export const readImages = (): Images => parseImages(readFileSync(imagesFile, 'utf8'));

const reference = (repository: string, { tag, digest }: { tag: string; digest?: string | undefined }) =>
  `${repository}:${tag}${digest === undefined ? '' : `@${digest}`}`;

/** @returns repository:tag or repository:tag@digest of the service in this environment */
export function serviceImage(environment: Environment, images: Images): string {
  const found = images.service[environment.name];
  if (found === undefined) throw new Error(`config/images.json: service.${environment.name} is missing`);
  return reference(environment.network === undefined ? environment.service.name : imageRepository(environment), found);
}

export const thirdPartyImage = (image: ThirdParty, images: Images): string =>
  reference(images[image].repository, images[image]);
