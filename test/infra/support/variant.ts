// Writes the templates of one environment with some values changed. Usage: node test/infra/support/variant.ts FOLDER CHANGES…
// Each change is {"name": …, "base": "production", "change": {…}}; its templates go to FOLDER/name, or its refusal to FOLDER/name.txt.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineEnvironment, valuesOf } from '../../../config/environment.ts';
import { environmentNamed } from '../../../config/environments.ts';
import { readImages } from '../../../config/images.ts';
import { buildApp } from '../../../infra/app.ts';
import { awsEnvironment } from '../../../infra/environment.ts';
import { render, synthesize } from '../../../k8s/synth.ts';
import { merged } from './merge.ts';

const [folder, ...changes] = process.argv.slice(2) as [string, ...string[]];
for (const text of changes) {
  const { name, base, change } = JSON.parse(text) as { name: string; base: string; change: object };
  mkdirSync(join(folder, name), { recursive: true });
  try {
    const environment = defineEnvironment(merged(valuesOf(environmentNamed(base)), change) as never);
    const app = await buildApp([awsEnvironment(environment)], { outdir: join(folder, name), checked: false });
    app.synth();
    const charts = [...synthesize({ environment, images: readImages() }).values()].map(render);
    writeFileSync(join(folder, name, 'charts.yaml'), charts.join('---\n'));
  } catch (error) {
    writeFileSync(join(folder, `${name}.txt`), (error as Error).message);
  }
}
