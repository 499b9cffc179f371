// Insists on a cluster that tests may use, and puts the images on its nodes.
import { execFileSync } from 'node:child_process';
import { readImages, thirdPartyImage } from '../../../config/images.ts';
import { insistOnTools } from '../../../k8s/deploy/tools.ts';

const run = (program: string, ...args: string[]) =>
  execFileSync(program, args, { encoding: 'utf8', stdio: 'pipe' }).trim();

export function prepareCluster(): void {
  insistOnTools(['docker', 'kind', 'kubectl']);
  const context = run('kubectl', 'config', 'current-context');
  if (!context.startsWith('kind-')) {
    throw new Error(`The kubectl context is ${context}; these tests use kind-* only: make cluster`);
  }
  if (process.env.IMAGES_LOADED === '1') return;
  const images = readImages();
  run('docker', 'build', '-t', 'slipway:dev', '.');
  const wanted = [
    'slipway:dev',
    ...(['postgres', 'redis', 's3', 'nginx'] as const).map((name) => thirdPartyImage(name, images)),
  ];
  for (const image of wanted) run('kind', 'load', 'docker-image', image, '--name', context.slice('kind-'.length));
  // The set-ups of both projects call this.
  process.env.IMAGES_LOADED = '1';
}

export default prepareCluster;
