// Every bad input of make cluster, dev, deploy and undeploy: one clear line, an exit code, and nothing on the cluster.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { accountId, sampleAccountId } from '../../config/account.ts';
import type { Images } from '../../config/images.ts';
import { all, attempt, kubectl, type Run } from './support/attempt.ts';
import { type Checkout, copyCheckout } from './support/checkout.ts';

const open: Checkout[] = [];
afterEach(() => {
  for (const each of open.splice(0)) each.remove();
});

const changing = / (apply|create|delete|patch|load|push|tag) /;

/** The command must have failed with this one line, before anything was changed. */
async function refused(run: Run, ...said: (string | RegExp)[]) {
  const { code, err, calls } = await attempt(run);
  expect(code).toBe(1);
  for (const each of said) expect(err).toMatch(each);
  expect(err).not.toMatch(/^\s+at /m);
  expect(calls.filter((call) => changing.test(`${call} `))).toEqual([]);
  return err;
}

const without = (...names: (keyof typeof all)[]) =>
  Object.fromEntries(Object.entries(all).filter(([name]) => !names.includes(name as keyof typeof all)));

const ownId = '444455556666';
/** A copy of the checkout, with this account. */
function withAccount(id: string): Checkout {
  const checkout = copyCheckout();
  open.push(checkout);
  checkout.edit('config/account.ts', `accountId = '${accountId}'`, `accountId = '${id}'`);
  return checkout;
}

const eks = `arn:aws:eks:us-east-1:${ownId}:cluster/slipway-staging`;

describe('a program that is missing is named, with how to get it', () => {
  it.each([
    ['deploy', 'docker', 'docs.docker.com'],
    ['deploy', 'kind', 'kind.sigs.k8s.io'],
    ['deploy', 'kubectl', 'kubernetes.io/docs/tasks/tools'],
    ['undeploy', 'kubectl', 'kubernetes.io/docs/tasks/tools'],
    ['cluster', 'kind', 'kind.sigs.k8s.io'],
    ['dev', 'skaffold', 'make deploy ENV=local works without it'],
  ] as const)('make %s without %s', async (command, name, how) => {
    const err = await refused({ command, args: ['local'], scripts: without(name) }, `${name} is not on the PATH`, how);
    expect(err.split('\n')).toHaveLength(1);
  });

  it('all of them at once', async () => {
    const err = await refused({ args: ['local'], scripts: {} }, /docker.*\nkind.*\nkubectl/);
    expect(err.split('\n')).toHaveLength(3);
  });

  it('a Docker that does not answer', async () => {
    const dead = { ...all, docker: 'echo "Cannot connect to the Docker daemon" >&2; exit 1' };
    await refused({ args: ['local'], scripts: dead }, 'Docker does not answer', 'Cannot connect to the Docker daemon');
    await refused({ command: 'cluster', scripts: dead }, 'Docker does not answer');
  });
});

describe('an environment that cannot be meant', () => {
  it.each(['deploy', 'undeploy'] as const)('make %s of an unknown one, or of none', async (command) => {
    await refused(
      { command, args: ['stagin'] },
      /^There is no environment stagin; there are local, staging, production/,
    );
    await refused({ command }, /^Which environment\? ENV=local\|staging\|production/);
  });

  it('one with the sample account is refused before anything is asked', async () => {
    const { dir } = withAccount(sampleAccountId);
    const { calls, code, err } = await attempt({ args: ['production'], cwd: dir });
    expect({ code, calls }).toEqual({ code: 1, calls: [] });
    expect(err).toContain(`config/account.ts has the account id ${sampleAccountId}`);
    expect(err).toContain('put your own there');
  });

  it.each([
    ['local', '"tag": "dev"', '"digest": "sha256:0"', 'service.local.tag needs a tag'],
    ['local', '"tag": "15-bookworm"', '"tag": ""', 'postgres.tag must be a tag such as 1.4.2'],
  ])('an image without a tag: %s %s', async (environment, from, to, said) => {
    const checkout = copyCheckout();
    open.push(checkout);
    checkout.edit('config/images.json', from, to);
    await refused({ args: [environment], cwd: checkout.dir }, 'config/images.json', said);
  });

  it.each(['deploy', 'undeploy', 'cluster', 'dev'] as const)(
    'make %s of one that contradicts itself',
    async (command) => {
      const checkout = copyCheckout();
      open.push(checkout);
      checkout.edit('config/local.ts', 'minReplicas: 2', 'minReplicas: 9');
      await refused({ command, args: ['local'], cwd: checkout.dir }, /minReplicas 9 is more than .*maxReplicas 6/);
    },
  );

  it('staging and production are only removed when they are named twice', async () => {
    const err = await refused({ command: 'undeploy', args: ['staging'] }, 'CONFIRM=staging');
    expect(err.split('\n')).toHaveLength(1);
  });

  it('nor where the load balancer is protected, as its Ingress would never go', async () => {
    const run: Run = { command: 'undeploy', args: ['production'], env: { CONFIRM: 'production' } };
    await refused(run, /loadBalancer\.deletionProtection .* config\/production\.ts/);
  });
});

it('make deploy with DRY_RUN=1 where there is nothing to be shown deploys nothing', async () => {
  const run: Run = { command: 'deploy', args: ['local'], scripts: all, env: { DRY_RUN: '1' } };
  await refused(run, 'make deploy ENV=staging DRY_RUN=1', 'kubectl diff');
});

describe('a cluster that cannot be meant', () => {
  const at = (context: string, cases = '') => ({ ...all, kubectl: kubectl(context, cases) });

  it.each(['deploy', 'undeploy', 'dev'] as const)('make %s on a context that is not kind-*', async (command) => {
    await refused(
      { command, args: ['local'], scripts: at('production-eu') },
      'The kubectl context production-eu is no cluster for local',
      'make cluster',
      'FORCE=1',
    );
  });

  it.each(['slipway-production', 'arn:aws:eks:us-east-1:444455556666:cluster/other'])(
    'a cluster in AWS is never a laptop, forced or not: %s',
    async (context) => {
      for (const command of ['deploy', 'undeploy', 'dev'] as const) {
        const run: Run = { command, args: ['local'], scripts: at(context), env: { FORCE: '1' } };
        await refused(run, /is a cluster in AWS, which local never touches/);
      }
    },
  );

  it('nor is the cluster of another environment, where its namespace has the same name', async () => {
    const { dir } = withAccount(ownId);
    for (const context of ['slipway-production', eks.replace('staging', 'production')]) {
      for (const command of ['deploy', 'undeploy'] as const) {
        const env = { FORCE: '1', CONFIRM: 'staging' };
        const run: Run = { command, args: ['staging'], scripts: at(context), cwd: dir, env };
        await refused(run, /is a cluster in AWS, which staging never touches, not even with FORCE=1/);
      }
    }
  });

  it('unless forced', async () => {
    const { out, err } = await attempt({ args: ['local'], scripts: at('minikube'), env: { FORCE: '1' } });
    expect(out).toMatch(/Building the image/);
    expect(err).toMatch(/00-namespace cannot be applied \(nothing was applied before it\)/);
  });

  it('staging on the cluster of another account', async () => {
    const { dir } = withAccount(ownId);
    for (const context of ['kind-slipway', eks.replace('4444', '7777')]) {
      await refused(
        { args: ['staging'], scripts: at(context), cwd: dir },
        `The kubectl context ${context} is no cluster for staging`,
        'aws eks update-kubeconfig --region us-east-1 --name slipway-staging',
      );
    }
  });

  it('without a context', async () => {
    const none = at('', '*"config current-context"*) echo "error: current-context is not set" >&2; exit 1 ;;');
    await refused({ args: ['local'], scripts: none }, /^kubectl has no current context: `make cluster`/);
  });

  it('one that does not answer', async () => {
    const dead = at('kind-slipway', '*version*) echo "connection to 127.0.0.1:9 was refused" >&2; exit 1 ;;');
    for (const command of ['deploy', 'undeploy', 'dev'] as const)
      await refused({ command, args: ['local'], scripts: dead }, /does not answer \(.*was refused\): `make cluster`/);
  });

  it('one that is too old', async () => {
    const old = `*version*) echo '{"serverVersion":{"minor":"32+","gitVersion":"v1.32.1"}}' ;;`;
    await refused({ args: ['local'], scripts: at('kind-x', old) }, 'runs Kubernetes v1.32.1; the manifests need 1.35');
  });

  it.each([
    ['dead', '*version*) echo "connection to 127.0.0.1:9 was refused" >&2; exit 1 ;;', 'does not answer'],
    ['too old', `*version*) echo '{"serverVersion":{"minor":"32","gitVersion":"v1.32.1"}}' ;;`, 'v1.32.1'],
  ])(
    'one of kind that is there and %s: it is to be deleted, as make cluster leaves it as it is',
    async (_, cases, told) => {
      const scripts = { ...at('kind-slipway', cases), kind: 'echo slipway' };
      const instead = /: `kind delete cluster --name slipway`, then `make cluster`$/;
      for (const command of ['cluster', 'deploy'] as const)
        await refused({ command, args: ['local'], scripts }, told, instead);
    },
  );

  it('one that lacks prerequisites: each is named, with how to get it', async () => {
    const bare = `*"get apiservice"*) ;;\n*"get customresourcedefinitions"*) ;;\n*"get deployments"*) ;;`;
    await refused(
      { args: ['local'], scripts: at('kind-slipway', bare) },
      'lacks what local needs, so nothing was applied',
      /metrics-server: the API v1beta1\.metrics\.k8s\.io is not there; get it: make cluster/,
      /prometheus-operator: no definition of servicemonitors\.monitoring\.coreos\.com, prometheusrules/,
      // Without either, the chart's Prometheus passes over what we apply, without a word.
      /prometheus-operator: .*prometheusSpec\.serviceMonitorSelectorNilUsesHelmValues=false,.*\.ruleSelectorNilUsesHelmValues=false/,
    );
    const { dir } = withAccount(ownId);
    await refused(
      { args: ['staging'], scripts: at(eks, bare), cwd: dir },
      /external-secrets: no definition of .*, no running controller external-secrets; get it: the Helm chart/,
      /aws-load-balancer-controller: .*no running controller aws-load-balancer-controller; get it: the Helm chart/,
    );
  });

  it('one whose metrics API is there and does not work', async () => {
    await refused(
      { args: ['local'], scripts: at('kind-slipway', '*"get apiservice"*) printf False ;;') },
      'the API v1beta1.metrics.k8s.io is not available',
    );
  });
});

describe('what fails on the way', () => {
  it('an apply in AWS: by then the image is pushed, and named by its digest for charts-out', async () => {
    const { dir } = withAccount(ownId);
    const digest = `sha256:${'d'.repeat(64)}`;
    const repository = '444455556666.dkr.ecr.us-east-1.amazonaws.com/slipway';
    const { code, err, calls } = await attempt({
      args: ['staging'],
      scripts: { ...all, kubectl: kubectl(eks) },
      env: { DIGESTS: JSON.stringify([`slipway@sha256:${'e'.repeat(64)}`, `${repository}@${digest}`]) },
      cwd: dir,
    });
    expect(code).toBe(1);
    expect(err).toMatch(/00-namespace cannot be applied \(nothing was applied before it\)/);
    expect(calls).toContain(`docker push ${repository}:0123456789ab`);
    const images = JSON.parse(readFileSync(join(dir, 'config/images.json'), 'utf8')) as Images;
    expect(images.service.staging).toEqual({ tag: '0123456789ab', digest });
    const manifests = readFileSync(join(dir, 'charts-out/staging/60-service.yaml'), 'utf8');
    expect(manifests).toContain(`image: ${repository}:0123456789ab@${digest}`);
  });

  it('an apply of the first pods in AWS: by then the load balancer controller has been waited for', async () => {
    const { dir } = withAccount(ownId);
    const applies = `*apply*)
  while read -r line; do if [ "$line" = "kind: Deployment" ]; then echo refused >&2; exit 1; fi; done
  echo "a/b created" ;;`;
    const binding = '*"get targetgroupbindings"*) echo targetgroupbinding/slipway ;;';
    const { err, calls } = await attempt({
      args: ['staging'],
      scripts: { ...all, kubectl: kubectl(eks, `${applies}\n${binding}\n*"get deployment slipway"*) ;;`) },
      env: {
        DIGESTS: JSON.stringify([`444455556666.dkr.ecr.us-east-1.amazonaws.com/slipway@sha256:${'d'.repeat(64)}`]),
      },
      cwd: dir,
    });
    expect(err).toMatch(/60-service cannot be applied \(applied before it: .*50-routing\):\nrefused/);
    expect(calls.slice(-3).map((call) => call.replace(/--context \S+ /, ''))).toEqual([
      'kubectl get deployment slipway --namespace slipway --ignore-not-found --output=name',
      'kubectl get targetgroupbindings.elbv2.k8s.aws --namespace slipway --ignore-not-found --output=name',
      'kubectl apply --filename=-',
    ]);
  });

  it('a build: its last lines, and nothing is applied', async () => {
    const failing = { ...all, docker: 'case "$1" in build) echo "COPY failed: no such file" >&2; exit 1 ;; esac' };
    await refused({ args: ['local'], scripts: failing }, /docker build .* ended with exit code 1:\nCOPY failed/);
  });

  it('no login for the registry', async () => {
    const { dir } = withAccount(ownId);
    const scripts = { ...all, kubectl: kubectl(eks), aws: 'echo "Unable to locate credentials" >&2; exit 1' };
    const { code, err, calls } = await attempt({ args: ['staging'], scripts, cwd: dir });
    expect(code).toBe(1);
    expect(err).toMatch(/No login for the registry 444455556666\.dkr.*AWS_PROFILE \(Unable to locate credentials\)/);
    expect(calls.filter((call) => call.includes('apply'))).toEqual([]);
  });

  it('no network for what a new cluster lacks', async () => {
    const cases = `*"get apiservice"*) ;;\n*apply*) echo "dial tcp: lookup github.com: no such host" >&2; exit 1 ;;`;
    const { code, err } = await attempt({
      command: 'cluster',
      scripts: { ...all, kind: 'echo slipway', kubectl: kubectl('kind-slipway', cases) },
    });
    expect(code).toBe(1);
    expect(err).toMatch(/metrics-server cannot be installed from https:\S+\/components\.yaml \(.*no such host\)/);
    expect(err).toMatch(/download it where there is a network.*run make cluster again/);
  });
});
