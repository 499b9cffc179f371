// What a person may tell `make scale-test`, checked before anything is touched.

import { parseArgs } from 'node:util';
import { local } from '../../config/local.ts';
import { type ScalingProfile, scalingProfiles } from '../../config/schema.ts';
import { DeployError } from '../deploy/command.ts';

export interface Options {
  /** @default the HPA stays as it is deployed */
  profile: ScalingProfile | undefined;
  /** Of the load. */
  durationSeconds: number;
  /** CPU to burn in all, in thousandths of a core. @default half a pod more than twice the pods at rest can take */
  loadMillis: number | undefined;
  /** Length of the windows of `profile`, in percent of its own. */
  windowPercent: number;
  /** @default the current one of kubectl */
  context: string | undefined;
  namespace: string;
  /** Address of the service. @default its node port, on a context kind-* */
  url: string | undefined;
  /** Folder for report.json, plot.svg and plot.png. */
  out: string;
  /** Takes any context, and more load than one core. */
  force: boolean;
}

/** One core less what the test itself and the answers need. */
const coreMillis = 900;

const flags = {
  profile: { type: 'string' },
  duration: { type: 'string', default: '180' },
  load: { type: 'string' },
  windows: { type: 'string', default: '100' },
  context: { type: 'string' },
  namespace: { type: 'string', default: local.namespace },
  url: { type: 'string' },
  out: { type: 'string', default: '.local/scale-test' },
  force: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

export const help = `Usage: make scale-test ARGS="--profile responsive --duration 300"

Puts a step of CPU load on the service, watches replicas rise and fall, and writes report.json, plot.svg and plot.png.

  --profile NAME        ${scalingProfiles.join(', ')}: put into the HPA for the test and taken back after it;
                        default: the HPA as it is deployed
  --windows PERCENT     length of the windows of that profile against its own, 1 to 100; default: 100
  --duration SECONDS    of the load, 30 to 3600; default: 180
  --load MILLICORES     CPU to burn in all, 10 to 64000; default: what needs twice the pods at rest and half a pod more;
                        above ${coreMillis} only with --force, and then burns may meet (burners_busy)
  --context NAME        of kubectl; default: the current one
  --namespace NAME      default: slipway
  --url URL             address of the service; default: its node port on a context kind-*
  --out FOLDER          default: .local/scale-test
  --force               take a context other than kind-*, and more load than one core
`;

/**
 * @returns undefined when help is asked for
 * @throws DeployError with every fault, one line each
 */
export function readOptions(argv: readonly string[]): Options | undefined {
  const values = parse(argv);
  if (values.help) return undefined;
  const faults: string[] = [];
  const whole = (flag: 'duration' | 'load' | 'windows', unit: string, min: number, max: number) => {
    const text = values[flag] as string;
    const value = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max))
      faults.push(`--${flag} must be a whole number of ${unit} from ${min} to ${max}, not "${text}"`);
    return value;
  };
  const { profile, context, namespace, url, out, force } = values;
  if (profile !== undefined && !scalingProfiles.some((each) => each === profile))
    faults.push(`--profile must be one of ${scalingProfiles.join(', ')}, not "${profile}"`);
  if (!/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(namespace))
    faults.push(`--namespace must be the name of a namespace, not "${namespace}"`);
  if (url !== undefined && !/^https?:$/.test(URL.parse(url)?.protocol ?? ''))
    faults.push(`--url must start with http:// or https://, not "${url}"`);
  if (out === '') faults.push('--out must name a folder');
  const loadMillis = values.load === undefined ? undefined : whole('load', 'thousandths of a core', 10, 64_000);
  if (loadMillis !== undefined && loadMillis > coreMillis && !force)
    faults.push(
      `--load ${loadMillis} is more than one core can burn beside the test (${coreMillis}): --force takes it`,
    );
  const options: Options = {
    profile: profile as ScalingProfile | undefined,
    durationSeconds: whole('duration', 'seconds', 30, 3600),
    loadMillis,
    windowPercent: whole('windows', 'percent', 1, 100),
    context,
    namespace,
    url: url?.replace(/\/+$/, ''),
    out,
    force,
  };
  if (profile === undefined && options.windowPercent !== 100)
    faults.push('--windows needs --profile: it changes its windows');
  if (faults.length > 0) throw new DeployError(faults.join('\n'));
  return options;
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: flags }).values;
  } catch (error) {
    throw new DeployError(`${(error as Error).message.split('. ')[0]}; --help lists the flags`);
  }
}
