import { staleJobs } from '../../k8s/deploy/stale-jobs.ts';
import { type LiveObject, lacksImage, progressOf, troubleOf } from '../../k8s/deploy/state.ts';
import { Troubles } from '../../k8s/deploy/troubles.ts';

const object = (kind: string, status: LiveObject['status'], spec: LiveObject['spec'] = {}): LiveObject => ({
  kind,
  metadata: { name: 'x', generation: 2 },
  spec,
  status: { observedGeneration: 2, ...status },
});
const is = (type: string, status = 'True', message = 'because') => ({ conditions: [{ type, status, message }] });

describe('how far a deployment is', () => {
  it.each([
    ['a Job that is complete', object('Job', is('Complete')), 'done'],
    ['a Job that runs', object('Job', {}), 'waiting'],
    ['a Job that gave up', object('Job', is('Failed')), 'failed'],
    [
      'a rollout that is over',
      object('Deployment', { replicas: 2, updatedReplicas: 2, availableReplicas: 2 }, { replicas: 2 }),
      'done',
    ],
    [
      'one with an old pod left',
      object('Deployment', { replicas: 3, updatedReplicas: 2, availableReplicas: 3 }, { replicas: 2 }),
      'waiting',
    ],
    [
      'one whose new pod is not available',
      object('Deployment', { replicas: 2, updatedReplicas: 2, availableReplicas: 1 }, { replicas: 2 }),
      'waiting',
    ],
    ['one without progress', object('Deployment', is('Progressing', 'False'), { replicas: 2 }), 'failed'],
    [
      'an old failure of a change that nobody has seen yet',
      object('Deployment', { ...is('Progressing', 'False'), observedGeneration: 1 }, { replicas: 2 }),
      'waiting',
    ],
    ['a StatefulSet', object('StatefulSet', { replicas: 1, updatedReplicas: 1, availableReplicas: 1 }), 'done'],
    ['anything else', object('Service', {}), 'done'],
  ])('%s', (_, live, state) => {
    expect(progressOf(live).state).toBe(state);
  });

  it('a Deployment has its first replica before its HPA makes two of it', () => {
    const one = object('Deployment', { replicas: 1, updatedReplicas: 1, availableReplicas: 1 }, { replicas: 1 });
    expect(progressOf(one)).toEqual({ state: 'done' });
    expect(progressOf(one, 2)).toEqual({ state: 'waiting', why: '1 of 2 ready' });
  });
});

const pod = (name: string, container: object, phase = 'Pending'): LiveObject => ({
  kind: 'Pod',
  metadata: { name },
  spec: {},
  status: { phase, containerStatuses: [{ name: 'c', ready: false, state: {}, ...container }] },
});
const pulling = pod('p', { state: { waiting: { reason: 'ImagePullBackOff', message: 'no such image' } } });

describe('what is wrong with a pod', () => {
  it.each([
    ['nothing while it is being made', pod('p', { state: { waiting: { reason: 'ContainerCreating' } } }), undefined],
    ['nothing when it is done', pod('p', { state: { terminated: { exitCode: 0 } } }, 'Succeeded'), undefined],
    ['its image', pulling, 'c: ImagePullBackOff: no such image'],
    [
      'the last words of a container between two tries',
      pod('p', {
        state: { waiting: { reason: 'CrashLoopBackOff' } },
        lastState: { terminated: { exitCode: 1, message: 'LOG_LEVEL must be one of …\n' } },
      }),
      'c ended with 1:\n      LOG_LEVEL must be one of …',
    ],
  ])('%s', (_, live, trouble) => {
    expect(troubleOf(live, 0)).toBe(trouble);
  });

  it('that no node takes it', () => {
    const live = pod('p', {});
    live.status.conditions = [{ type: 'PodScheduled', status: 'False', message: 'Insufficient memory' }];
    expect(troubleOf(live, 0)).toBe('not scheduled: Insufficient memory');
  });

  it('a readiness gate that stays closed long after the containers are ready', () => {
    const type = 'target-health.elbv2.k8s.aws/k8s-slipway';
    const gated = (...conditions: object[]): LiveObject => {
      const since = '2026-01-01T00:00:00Z';
      const ready = { type: 'ContainersReady', status: 'True', lastTransitionTime: since };
      const live = pod('p', { ready: true, state: {} }, 'Running');
      const spec = { readinessGates: [{ conditionType: type }] };
      return { ...live, spec, status: { ...live.status, conditions: [ready, ...conditions] as never } };
    };
    const unhealthy = { type, status: 'False', reason: 'Target.Timeout', message: 'Request timed out' };
    const soon = Date.parse('2026-01-01T00:01:59Z');
    const late = Date.parse('2026-01-01T00:02:00Z');
    expect(troubleOf(gated(unhealthy), soon)).toBeUndefined();
    expect(troubleOf(gated(unhealthy), late)).toBe(
      `readiness gate ${type} stays closed: Target.Timeout: Request timed out`,
    );
    expect(troubleOf(gated(), late)).toBe(`readiness gate ${type} stays closed: nobody has said anything of it`);
    expect(troubleOf(gated({ type, status: 'True' }), late)).toBeUndefined();
  });

  it('is remembered when the pod is gone, and forgotten when it runs', () => {
    const said: string[] = [];
    const troubles = new Troubles((line) => said.push(line));
    troubles.note([pulling], 1000);
    troubles.note([pulling], 1500);
    troubles.note([], 2000);
    expect(said).toEqual(['  pod p: c: ImagePullBackOff: no such image']);
    expect(troubles.lines()).toEqual(['  pod p: c: ImagePullBackOff: no such image']);
    troubles.note([pod('p', { ready: true, state: {} }, 'Running')], 3000);
    expect(troubles.lines()).toEqual([]);
  });

  it('a secret that could not be fetched is told of, and forgotten once it is there', () => {
    const said: string[] = [];
    const troubles = new Troubles((line) => said.push(line));
    const secret = (status: LiveObject['status']): LiveObject => ({
      kind: 'ExternalSecret',
      metadata: { name: 'slipway', namespace: 'harbour' },
      spec: {},
      status,
    });
    const message = 'could not get secret data from provider';
    const failed = { type: 'Ready', status: 'False', reason: 'SecretSyncedError', message };
    const told =
      '  externalsecret slipway: SecretSyncedError: could not get secret data from provider (its events say more: kubectl --namespace harbour describe externalsecret slipway)';
    troubles.note([secret({})], 1000);
    expect(troubles.lines()).toEqual([]);
    troubles.note([secret({ conditions: [failed] })], 1500);
    expect([said, troubles.lines()]).toEqual([[told], [told]]);
    troubles.note([secret(is('Ready'))], 2000);
    expect(troubles.lines()).toEqual([]);
  });

  it('an image that cannot be had counts from when that began', () => {
    const troubles = new Troubles(() => undefined);
    troubles.note([pulling], 1000);
    troubles.note([pulling], 60_000);
    expect(lacksImage(pulling)).toBe(true);
    expect(troubles.withoutImageFor(60_000, [pulling], 60_999)).toEqual([]);
    expect(troubles.withoutImageFor(60_000, [pulling], 61_000)).toEqual(['pod p']);
    // A pod of an earlier version that is gone stops nobody.
    expect(troubles.withoutImageFor(60_000, [], 61_000)).toEqual([]);
  });
});

describe('Jobs that stand in the way', () => {
  const job = (name: string, status: object) => ({ metadata: { name }, status });

  it('are those that failed, and those of other content that run nothing', () => {
    const live = [
      job('wanted-failed', is('Failed')),
      job('wanted-running', { ready: 1 }),
      job('wanted-waiting', {}),
      job('old-complete', is('Complete')),
      job('old-running', { ready: 1 }),
      job('old-stuck', { ready: 0 }),
      job('old-failed', is('Failed')),
    ];
    const wanted = new Set(['wanted-failed', 'wanted-running', 'wanted-waiting']);
    expect(staleJobs(live, wanted)).toEqual(['wanted-failed', 'old-complete', 'old-stuck', 'old-failed']);
  });
});
