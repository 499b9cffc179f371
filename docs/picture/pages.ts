// What docs/kubernetes.md has from the code: a picture for each kind of environment, and the numbers that follow from others.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { derivations } from '../../config/derive.ts';
import { environments } from '../../config/environments.ts';
import { network } from '../../config/network.ts';
import { profiles } from '../../k8s/constructs/scaling-profiles.ts';
import type { Manifest } from '../../k8s/synth.ts';
import { draw } from './draw.ts';
import { topologyOf } from './topology.ts';

const chartsOut = join(import.meta.dirname, '..', '..', 'charts-out');

/** What ranges of addresses are called in the pictures. */
const rangeNames: Record<string, string> = {
  ...Object.fromEntries(network.publicCidrs.map((cidr) => [cidr, 'load balancer, public subnets'])),
  ...Object.fromEntries(network.databaseCidrs.map((cidr) => [cidr, 'database subnets'])),
  '169.254.170.23/32': 'EKS Pod Identity agent',
};

function manifestsOf(environment: string): Manifest[] {
  const folder = join(chartsOut, environment);
  return readdirSync(folder)
    .sort()
    .flatMap((file) =>
      parseAllDocuments(readFileSync(join(folder, file), 'utf8')).map((each) => each.toJS() as Manifest),
    );
}

/** @returns the picture of charts-out/<environment> as SVG */
export function picture(environment: string): string {
  const anywhere = environment === 'local' ? 'this machine and the nodes' : 'S3, public addresses';
  const topology = topologyOf(manifestsOf(environment), { ...rangeNames, '0.0.0.0/0': anywhere });
  return draw(topology, `charts-out/${environment}: objects, and the only flows that the network policies let through`);
}

export interface Table {
  head: string[];
  rows: string[][];
}

/** Each derived number in each environment, with its rule. */
export function derivedNumbers(): Table {
  return {
    head: ['number', 'unit', ...environments.map(({ name }) => name), 'rule'],
    rows: derivations.map(({ name, unit, rule }) => [
      `\`${name}\``,
      unit,
      ...environments.map(({ derived }) => String(derived[name])),
      rule,
    ]),
  };
}

/** When each profile adds and removes replicas, and how fast. */
export function scalingProfiles(): Table {
  const rows = Object.entries(profiles).map(([name, { cpuPercent, up, down }]) => {
    const edge = (share: number) => `${Math.round(cpuPercent * share)} %`;
    const steps = ({ policies }: typeof up) =>
      policies
        .map(({ type, value, periodSeconds }) => `${value}${type === 'Percent' ? ' %' : ''} per ${periodSeconds} s`)
        .join(' or ');
    return [
      `\`${name}\``,
      `above ${edge(1 + up.tolerance)} for ${up.windowSeconds} s: ${steps(up)}`,
      `below ${edge(1 - down.tolerance)} for ${down.windowSeconds} s: ${steps(down)}`,
    ];
  });
  return { head: ['profile', 'more pods, when CPU is', 'fewer pods, when CPU is'], rows };
}
