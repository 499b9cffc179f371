// Writes k8s/deploy/redis-ui.yaml, which the Skaffold profile redis-ui deploys beside charts-out/local; only when it differs.
import { readFileSync, writeFileSync } from 'node:fs';
import { readImages } from '../../config/images.ts';
import { local } from '../../config/local.ts';
import { redisUi } from '../charts/redis-ui.ts';
import { manifestsOf, render } from '../synth.ts';

const file = new URL('./redis-ui.yaml', import.meta.url);
const text = render(manifestsOf({ environment: local, images: readImages() }, redisUi));

function written(): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

if (written() !== text) writeFileSync(file, text);
