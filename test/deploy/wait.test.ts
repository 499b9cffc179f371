// Waiting while a deployment comes up, on a cluster that answers as the test says.
import type { Environment } from '../../config/environment.ts';
import type { Cluster } from '../../k8s/deploy/context.ts';
import { untilGated } from '../../k8s/deploy/first-gates.ts';
import type { LiveObject } from '../../k8s/deploy/state.ts';
import { untilRunning } from '../../k8s/deploy/wait.ts';
import type { Manifest } from '../../k8s/synth.ts';

const { signal } = new AbortController();
let said: string[];
beforeEach(() => {
  said = [];
  jest.spyOn(console, 'log').mockImplementation((line: string) => said.push(line));
});
afterEach(() => jest.restoreAllMocks());

const manifest = (kind: string, name: string): Manifest => ({ apiVersion: 'v1', kind, metadata: { name } });

/** @param answer to the words of kubectl */
const clusterThat = (answer: (words: string) => string): Cluster => ({
  context: 'kind-x',
  kindName: undefined,
  kubectl: async (args) => answer(args.join(' ')),
});

describe('until all is running', () => {
  const live = (kind: string, name: string, status: LiveObject['status'] = {}): LiveObject => ({
    kind,
    metadata: { name, namespace: 'x' },
    spec: {},
    status,
  });
  const is = (type: string, status = 'True') => ({ conditions: [{ type, status, message: `${type} is ${status}` }] });
  const job = (status?: LiveObject['status']) => live('Job', 'migrate', status);
  const web = (status?: LiveObject['status']) => live('Deployment', 'web', status);
  const timedOut = web(is('Progressing', 'False'));
  const ready = web({ replicas: 1, updatedReplicas: 1, availableReplicas: 1 });
  const manifests = [manifest('Job', 'migrate'), manifest('Deployment', 'web')];

  /** @param looks what is on the cluster at each look; the last goes on */
  function wait(looks: readonly LiveObject[][], progressDeadlineSeconds: number, wanted = manifests) {
    let look = 0;
    const asked: string[] = [];
    const cluster = clusterThat((words) => {
      asked.push(words);
      return JSON.stringify({ items: looks[Math.min(look++, looks.length - 1)] });
    });
    const limits = { progressDeadlineSeconds, longestJobSeconds: 900 } as Environment['rollout'];
    return { ended: untilRunning(wanted, 'x', limits, cluster, signal), asked };
  }

  it('a rollout whose deadline passes while a Job still runs gets as long again once that has ended', async () => {
    const looks = [
      [job(), web()],
      [job(), timedOut],
      [job(is('Complete')), timedOut],
      [job(is('Complete')), ready],
    ];
    await wait(looks, 60).ended;
    expect(said.at(-1)).toBe('  waiting for deployment web (Progressing is False)');
  });

  it('and has failed when it is no further after that', async () => {
    const looks = [
      [job(), web()],
      [job(), timedOut],
      [job(is('Complete')), timedOut],
    ];
    const begun = performance.now();
    await expect(wait(looks, 1.2).ended).rejects.toThrow('deployment web failed: Progressing is False');
    expect(performance.now() - begun).toBeGreaterThan(1500);
  });

  it('without a Job that runs it has failed at once, and so has a Job', async () => {
    const later = [
      [job(is('Complete')), web()],
      [job(is('Complete')), timedOut],
    ];
    await expect(wait(later, 60).ended).rejects.toThrow('deployment web failed');
    const failing = [
      [job(), web()],
      [job(is('Failed')), timedOut],
    ];
    await expect(wait(failing, 60).ended).rejects.toThrow('job migrate failed');
  });

  it('looks at the secrets that an operator fetches, and says which it could not', async () => {
    const none = { ...live('ExternalSecret', 'web'), status: undefined } as unknown as LiveObject;
    const error = { type: 'Ready', status: 'False', reason: 'SecretSyncedError', message: 'AccessDenied' };
    const refused = live('ExternalSecret', 'web', { conditions: [error] });
    const looks = [
      [web(), none],
      [web(), refused],
      [timedOut, refused],
    ];
    const { ended, asked } = wait(looks, 60, [manifest('ExternalSecret', 'web'), manifest('Deployment', 'web')]);
    await expect(ended).rejects.toThrow(/web failed: .*\n {2}externalsecret web: SecretSyncedError: AccessDenied/);
    expect(asked[0]).toContain('pods,externalsecrets.external-secrets.io --namespace x');
    expect(wait([[ready]], 60, [manifest('Deployment', 'web')]).asked[0]).not.toContain('externalsecrets');
  });
});

describe('before the first pods in AWS', () => {
  const where = { namespace: 'x', service: { name: 'web' } };
  const deployment = [manifest('Deployment', 'web')];

  /** @param answers of each kind, one a look; the last goes on */
  function gated(answers: { deployment: string; bindings: string[] }, manifests = deployment, longestSeconds = 60) {
    const asked: string[] = [];
    const cluster = clusterThat((words) => {
      const [, kind = ''] = words.split(' ');
      asked.push(kind);
      if (kind === 'deployment') return answers.deployment;
      return (answers.bindings.length > 1 ? answers.bindings.shift() : answers.bindings[0]) ?? '';
    });
    return untilGated(manifests, where, cluster, signal, longestSeconds).then(() => asked);
  }
  const binding = 'targetgroupbindings.elbv2.k8s.aws';

  it('waits for the binding that gives them a readiness gate, and says so', async () => {
    expect(await gated({ deployment: '', bindings: ['', 'targetgroupbinding/k8s-x\n'] })).toEqual([
      'deployment',
      binding,
      binding,
    ]);
    expect(said).toEqual(['  waiting up to 60 s for the TargetGroupBinding of the load balancer']);
  });

  it('goes on without it after a while, with a warning', async () => {
    await gated({ deployment: '', bindings: [''] }, deployment, 0);
    expect(said).toEqual([
      expect.stringMatching(/after 0 s: the first pods get no readiness gate.* describe ingress web$/),
    ]);
  });

  it('does not wait where pods are running, nor before a file without a Deployment', async () => {
    expect(await gated({ deployment: 'deployment.apps/web\n', bindings: [''] })).toEqual(['deployment']);
    expect(await gated({ deployment: '', bindings: [''] }, [manifest('Service', 'web')])).toEqual([]);
  });
});
