// `make observe`: the dashboards on a page of this machine, drawn from a real Prometheus, until Ctrl-C.
import { appendFileSync } from 'node:fs';
import { local } from '../config/local.ts';
import { dashboards } from '../observability/panels/index.ts';
import { alerts, alertsOf, machineScope, ruleGroups, rulesFile } from '../observability/rules/index.ts';
import { check } from './observe/check.ts';
import type { Source } from './observe/data.ts';
import { help, ObserveError, readOptions } from './observe/options.ts';
import { prometheusApi } from './observe/prometheus-api.ts';
import { servePage } from './observe/server.ts';
import { localNamespace, runningTargets } from './observe/targets.ts';
import { observeFolder, stateFolder } from './options.ts';
import { findPrometheus, startPrometheus } from './prometheus.ts';
import { AlreadyRunningError, openState } from './state.ts';

const scrapeSeconds = 5;
/** The usual interval in a cluster. */
const clusterScrapeSeconds = 30;
const lookMs = 1000;
const checkMs = 5000;

const say = (line: string) => console.log(line);
const names = (list: readonly { name: string }[]) => new Set(list.map(({ name }) => name));

/** What the page draws, and what has to be stopped in the end. */
interface Watching {
  source: Source;
  stop(): Promise<void>;
}

/** A Prometheus of our own, with the rules, that follows the replicas of `make run`. */
async function watchRun(): Promise<Watching> {
  const stateDir = stateFolder(process.env);
  const service = local.service.name;
  const targets = () => runningTargets(stateDir, service);
  const first = targets();
  if (!first)
    throw new ObserveError('There is nothing to observe: start the service first, in another terminal: make run');
  const state = await openState(observeFolder(stateDir), say, 'make observe');
  try {
    const cacheDir = process.env.SLIPWAY_CACHE || `${stateDir}/packages`;
    const programs = await findPrometheus({ cacheDir, log: say });
    say(`Starting Prometheus ${programs.version} …`);
    const logFile = state.logFile('prometheus');
    const scope = machineScope(service);
    const prometheus = await startPrometheus({
      dir: state.path('prometheus'),
      programs,
      targets: first,
      rules: rulesFile(ruleGroups(scope)),
      intervalSeconds: scrapeSeconds,
      log: (line) => appendFileSync(logFile, `${line}\n`),
    });
    state.record('Prometheus', prometheus.pid);
    let known = JSON.stringify(first);
    const following = setInterval(() => {
      const now = JSON.stringify(targets() ?? []);
      if (now === known) return;
      known = now;
      prometheus.setTargets(targets() ?? []).catch((error: Error) => console.error(error.message));
    }, lookMs);
    return {
      source: {
        api: prometheusApi(prometheus.url),
        dashboards,
        namespace: localNamespace,
        service,
        scrapeSeconds,
        has: (from) => from === 'service',
        alertNames: names(alertsOf(scope)),
        prometheusRemedy: `It was started by make observe: its log is ${logFile}; Ctrl-C there, and make observe again.`,
        targetsRemedy: `The first numbers take about ${scrapeSeconds * 3} s.`,
        sourceFinding: () =>
          targets()
            ? undefined
            : { what: 'make run has ended: there are no new numbers.', remedy: 'Start it again: make run' },
      },
      async stop() {
        clearInterval(following);
        await prometheus.stop();
        state.release();
      },
    };
  } catch (error) {
    state.release();
    throw error;
  }
}

/** Somebody else's Prometheus, such as that of a cluster. */
async function watchOther({
  url,
  namespace,
  service,
}: {
  url: string;
  namespace: string;
  service: string;
}): Promise<Watching> {
  const source: Source = {
    api: prometheusApi(url),
    dashboards,
    namespace,
    service,
    scrapeSeconds: clusterScrapeSeconds,
    has: () => true,
    alertNames: names(alerts),
    prometheusRemedy: 'Start it, or its port-forward, again; this page goes on by itself.',
    targetsRemedy: 'Check --namespace and --service, and that a ServiceMonitor (make deploy) selects the service.',
  };
  const prometheusRemedy = 'Start it, or its port-forward, and then make observe again.';
  const { usable, findings } = await check(source.api, { ...source, prometheusRemedy });
  if (!usable) throw new ObserveError(findings.map(({ what, remedy }) => `${what} ${remedy}`).join('\n'));
  return { source, stop: async () => {} };
}

/** Says in the terminal what is wrong, whenever that changes. */
function reportFindings(source: Source): () => void {
  let said = '';
  let timer: NodeJS.Timeout | undefined;
  const look = async () => {
    const { findings } = await check(source.api, source);
    const text = findings.map(({ what, remedy }) => `${what} ${remedy}`).join('\n');
    if (text !== said) say(text || 'All is well again.');
    said = text;
    timer = setTimeout(look, checkMs);
  };
  void look();
  return () => clearTimeout(timer);
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2), { namespace: local.namespace, service: local.service.name });
  if (!options) return say(help);
  const started: (() => unknown)[] = [];
  const stopAll = async () => {
    for (const stop of started.splice(0).reverse()) await stop();
  };
  const startAll = async () => {
    const { source, stop } = await (options.prometheus ? watchOther(options.prometheus) : watchRun());
    started.push(stop);
    const page = await servePage(source, options.port);
    started.push(page.close);
    say(`
  dashboards   ${page.url}
  prometheus   ${source.api.url}
  of           ${source.service} in ${source.namespace}

  Ctrl-C stops ${options.prometheus ? 'the page' : 'both; the numbers are kept, and make reset forgets them'}.
`);
    started.push(reportFindings(source));
  };
  const starting = startAll();
  let stopping = false;
  const stop = async () => {
    if (stopping) return;
    stopping = true;
    // What is just being started must be known before it can be stopped.
    await starting.catch(() => {});
    await stopAll();
    process.exit(0);
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => void stop());
  await starting.catch(async (error) => {
    await stopAll();
    throw error;
  });
}

main().catch((error: Error) => {
  const known = error instanceof ObserveError || error instanceof AlreadyRunningError;
  const expected = known || /^Prometheus (is missing|ended at once|was not ready)/.test(error.message);
  console.error(expected ? error.message : error.stack);
  process.exitCode = 1;
});
