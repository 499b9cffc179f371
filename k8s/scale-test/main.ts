// `make scale-test`: a step of load on the service, replicas watched up and down, numbers as JSON, a picture as SVG and PNG.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { command, DeployError, say } from '../deploy/command.ts';
import { insistOnTools } from '../deploy/tools.ts';
import { autoscalerOf, profileOf, replaceAutoscaler } from './autoscaler.ts';
import { type Cluster, openCluster } from './cluster.ts';
import { help, type Options, readOptions } from './options.ts';
import { plot, png } from './plot.ts';
import { faultsOf, type Report } from './report.ts';
import { defaultLoadMillis, enoughPods, insistOnRoom, targetPercent, wayBackSeconds } from './rule.ts';
import { runTest } from './run.ts';
import { findAddress, findTarget, makeKey } from './target.ts';

let restored = true;
/** For coming to rest before the load, and for what takes longer than it should. */
const spareSeconds = 1800;

async function testOn(cluster: Cluster, options: Options, stop: AbortSignal): Promise<Report> {
  const { profile, windowPercent, namespace, durationSeconds } = options;
  const deployed = await findTarget(cluster);
  const url = await findAddress(cluster, options.url);
  const autoscaler =
    profile === undefined ? deployed.autoscaler : autoscalerOf(deployed, namespace, profile, windowPercent);
  const target = { ...deployed, autoscaler };
  const { minReplicas, maxReplicas } = {
    minReplicas: deployed.replicas,
    maxReplicas: deployed.replicas,
    ...autoscaler?.spec,
  };
  const percent = targetPercent(autoscaler?.spec);
  const loadMillis = options.loadMillis ?? defaultLoadMillis(minReplicas, target.requestMillis, percent);
  const enough = enoughPods(loadMillis, target.requestMillis, percent);
  if (minReplicas !== maxReplicas) insistOnRoom(loadMillis, target.requestMillis, percent, maxReplicas);
  const seconds = spareSeconds + durationSeconds + (autoscaler === undefined ? 0 : wayBackSeconds(autoscaler.spec));
  const key = await makeKey(cluster, target, url, seconds);
  say(
    `${target.deployment} in ${namespace} of ${cluster.context} at ${url}: request ${target.requestMillis}m, profile ${profileOf(autoscaler)}${profile === undefined ? ', as deployed' : ''}`,
  );
  const restore = profile === undefined ? undefined : await replaceAutoscaler(cluster, deployed, autoscaler);
  try {
    const setup = {
      context: cluster.context,
      namespace,
      profile: profileOf(autoscaler),
      upWindowSeconds: autoscaler?.spec.behavior?.scaleUp?.stabilizationWindowSeconds,
      downWindowSeconds: autoscaler?.spec.behavior?.scaleDown?.stabilizationWindowSeconds,
      minReplicas,
      maxReplicas,
      requestMillis: target.requestMillis,
      targetPercent: percent,
      enoughPods: enough,
      loadMillis,
      durationSeconds,
    };
    return await runTest(cluster, target, { url, key }, setup, stop);
  } finally {
    await restore?.().catch((error: Error) => {
      restored = false;
      console.error(`The HPA is not as it was: ${error.message}\nmake deploy puts it right.`);
      process.exitCode = 1;
    });
  }
}

function tell({ numbers, setup }: Report): void {
  const orNever = (seconds: number | null) => (seconds === null ? 'never' : `${seconds} s`);
  say(
    `Enough ready pods (${setup.enoughPods}): ${orNever(numbers.secondsToEnoughPods)}; most replicas: ${numbers.mostReplicas}`,
  );
  say(`Back to ${setup.minReplicas}: ${orNever(numbers.secondsBackToMin)} after the load`);
  say(
    `Answers: ${numbers.requests}, 5xx: ${numbers.serverErrors}, burners_busy: ${numbers.burnersBusy}, none: ${numbers.noAnswer}; p50 ${numbers.p50Ms} ms, p95 ${numbers.p95Ms} ms, p99 ${numbers.p99Ms} ms`,
  );
  say(`Burnt: ${numbers.burntMillis}m of ${setup.loadMillis}m`);
}

let options: Options | undefined;
await command(
  async (stop) => {
    options = readOptions(process.argv.slice(2));
    if (options === undefined) return say(help);
    insistOnTools(['kubectl']);
    const cluster = await openCluster(options, stop);
    try {
      const report = await testOn(cluster, options, stop);
      mkdirSync(options.out, { recursive: true });
      const svg = plot(report);
      const write = (file: string, content: string | Buffer) => writeFileSync(join(options?.out ?? '.', file), content);
      write('report.json', `${JSON.stringify(report, undefined, 2)}\n`);
      write('plot.svg', svg);
      write('plot.png', png(svg));
      tell(report);
      say(`Written: report.json, plot.svg and plot.png in ${options.out}`);
      const faults = faultsOf(report);
      if (faults.length > 0) throw new DeployError(`Not as it should be: ${faults.join('; ')}`);
    } finally {
      cluster.close();
    }
  },
  () => `The load has ended${restored ? ' and the HPA is as it was' : ''}; nothing was written.`,
);
