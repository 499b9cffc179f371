// The AWS Load Balancer Controller as a process of this machine: against the cluster of the current context, and an emulator of AWS.
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clusterName } from '../../../config/aws-names.ts';
import type { Environment } from '../../../config/environment.ts';
import { startChild } from '../../../local/child.ts';
import { freePort } from '../../../local/ports.ts';
import { makeCertificates } from '../../support/certificates.ts';
import { type Ministack, ministackProgram } from '../../support/ministack.ts';
import { startCloserToAws } from './closer-to-aws.ts';
import type { EmulatedNetwork } from './emulated-network.ts';
import { guard } from './guard.ts';
import { kubectl } from './kubectl.ts';

const folder = join(__dirname, '..', '..', '..', '.cache', 'load-balancer-controller');
const program = join(folder, 'controller');
/** Definitions of the objects that it makes and reads. */
const definitions = join(folder, 'crds.yaml');

/** What `make load-balancer-controller` has not made here. */
export const lacking = [program, definitions, ministackProgram].filter((path) => !existsSync(path));

const ingressClass = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'IngressClass',
  metadata: { name: 'alb' },
  spec: { controller: 'ingress.k8s.aws/alb' },
};

const withoutFinalizers = '--patch={"metadata":{"finalizers":null}}';

/** Also what a run that was cut has left: what the controller itself would have taken away holds the namespace. */
export async function removeController(namespace: string): Promise<void> {
  for (const kind of ['ingress', 'targetgroupbinding']) {
    const left = await kubectl(['--namespace', namespace, 'get', kind, '--output=name']).catch(() => '');
    for (const each of left.split('\n').filter(Boolean))
      await kubectl(['--namespace', namespace, 'patch', each, '--type=merge', withoutFinalizers]);
  }
  await kubectl(['delete', 'namespace', namespace, '--ignore-not-found', '--timeout=120s']);
  await kubectl(['delete', '--ignore-not-found', '--filename=-'], JSON.stringify(ingressClass));
  await kubectl(['delete', '--ignore-not-found', `--filename=${definitions}`]);
}

/** The folder that it reads: who it is for the cluster, and a certificate for the webhooks, which nothing calls here. */
function filesOf(dir: string): void {
  const kubeconfig = execFileSync('kubectl', ['config', 'view', '--raw', '--minify', '--flatten']);
  writeFileSync(join(dir, 'kubeconfig'), kubeconfig, { mode: 0o600 });
  mkdirSync(join(dir, 'webhook'));
  const { certFile, keyFile } = makeCertificates('127.0.0.1', dir);
  copyFileSync(certFile, join(dir, 'webhook', 'tls.crt'));
  copyFileSync(keyFile, join(dir, 'webhook', 'tls.key'));
}

export interface Controller {
  lastLines(): string;
  /** Stops its process for as long as `work` takes. */
  whilePaused(work: () => Promise<void>): Promise<void>;
  /** Ends it, and removes what it was given. */
  end(): Promise<void>;
}

/** Resolves when it runs, with its definitions in the cluster; it looks at one namespace. */
export async function startController(
  environment: Environment,
  aws: Ministack,
  { vpc }: EmulatedNetwork,
): Promise<Controller> {
  await kubectl(['apply', '--server-side', `--filename=${definitions}`]);
  await kubectl(['wait', '--for=condition=Established', `--filename=${definitions}`, '--timeout=30s']);
  await kubectl(['apply', '--filename=-'], JSON.stringify(ingressClass));
  const closerToAws = await startCloserToAws(aws.endpoint, vpc);
  const dir = mkdtempSync(join(tmpdir(), 'controller-'));
  try {
    filesOf(dir);
    const child = await startChild({
      name: 'aws-load-balancer-controller',
      command: program,
      args: [
        `--cluster-name=${clusterName(environment)}`,
        `--aws-region=${environment.region}`,
        `--aws-vpc-id=${vpc}`,
        `--watch-namespace=${environment.namespace}`,
        `--kubeconfig=${join(dir, 'kubeconfig')}`,
        '--enable-leader-election=false',
        // As the add-on has it.
        '--enable-wafv2=true',
        '--enable-waf=false',
        '--enable-shield=false',
        '--metrics-bind-addr=0',
        `--health-probe-bind-addr=127.0.0.1:${await freePort()}`,
        `--webhook-bind-port=${await freePort()}`,
        `--webhook-cert-dir=${join(dir, 'webhook')}`,
      ],
      env: {
        PATH: process.env.PATH,
        AWS_ENDPOINT_URL: closerToAws.endpoint,
        AWS_REGION: environment.region,
        AWS_ACCESS_KEY_ID: aws.client.credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: aws.client.credentials.secretAccessKey,
        AWS_EC2_METADATA_DISABLED: 'true',
      },
    });
    // Whatever becomes of this process: it would go on with the credentials of the cluster, and paused it hears of no other signal.
    const orphan = guard(['sh', '-c', 'kill -KILL "$1" 2>/dev/null; rm -rf "$2"', 'sh', `${child.pid}`, dir]);
    return {
      lastLines: () => child.lastLines(),
      async whilePaused(work) {
        process.kill(child.pid, 'SIGSTOP');
        try {
          await work();
        } finally {
          process.kill(child.pid, 'SIGCONT');
        }
      },
      async end() {
        await child.stop();
        await orphan.restore();
        closerToAws.close();
      },
    };
  } catch (error) {
    closerToAws.close();
    rmSync(dir, { recursive: true });
    throw error;
  }
}
