import { accountId } from '../../config/account.ts';
import { environmentNamed, environments } from '../../config/environments.ts';
import { parseImages, readImages, serviceImage, thirdPartyImage } from '../../config/images.ts';
import { committed } from '../k8s/support/manifests.ts';
import { workloads } from '../k8s/support/workloads.ts';
import { changed } from './support.ts';

const images = readImages();
const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;
const parsed = (path: string, value: unknown) => parseImages(JSON.stringify(changed(images as never, path, value)));

describe('config/images.json', () => {
  it('has an image for every environment', () => {
    for (const environment of environments)
      expect(serviceImage(environment, images)).toMatch(/slipway:[\w.-]+(@sha256:[0-9a-f]{64})?$/);
  });

  it.each([
    ['service.production', { digest }, 'config/images.json: service.production.tag needs a tag'],
    ['service.production.tag', '', 'config/images.json: service.production.tag must be a tag such as 1.4.2'],
    ['service.production.tag', 'a tag', 'config/images.json: service.production.tag must be a tag such as 1.4.2'],
    [
      'service.production.digest',
      'sha256:12',
      'config/images.json: service.production.digest must be sha256: and 64 hexadecimal digits',
    ],
    ['redis.tag', undefined, 'config/images.json: redis.tag needs a tag'],
    ['nginx.digest', 'md5:x', 'config/images.json: nginx.digest must be sha256: and 64 hexadecimal digits'],
    ['postgres.version', '15', 'config/images.json: postgres Unrecognized key: "version"'],
    ['s3', undefined, 'config/images.json: s3 Invalid input: expected object, received undefined'],
  ])('%s %j is refused by name', (path, value, told) => {
    expect(() => parsed(path, value)).toThrow(new Error(told));
  });

  it('an environment without an entry is named', () => {
    const { service } = images;
    const { staging, ...others } = service;
    expect(staging).toBeDefined();
    expect(() => serviceImage(environmentNamed('staging'), { ...images, service: others })).toThrow(
      new Error('config/images.json: service.staging is missing'),
    );
  });

  it('a digest comes after the tag, and pins what the tag may not', () => {
    const pinned = parsed('service.production', { tag: '1.2.3', digest });
    expect(serviceImage(environmentNamed('production'), pinned)).toBe(
      `${accountId}.dkr.ecr.us-east-1.amazonaws.com/slipway:1.2.3@${digest}`,
    );
    expect(thirdPartyImage('redis', parsed('redis.digest', digest))).toBe(`redis:7-bookworm@${digest}`);
  });

  it('is the one source of every image of charts-out', () => {
    const known = new Set([
      ...environments.map((each) => serviceImage(each, images)),
      ...(['nginx', 'postgres', 'redis', 's3'] as const).map((each) => thirdPartyImage(each, images)),
    ]);
    const used = environments.flatMap(({ name }) =>
      workloads(committed(name)).flatMap(({ containers }) => containers.map(({ image }) => image ?? '')),
    );
    expect(used.length).toBeGreaterThan(10);
    expect(used.filter((image) => !known.has(image))).toEqual([]);
  });
});
