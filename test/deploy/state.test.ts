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
    expect(troubleOf(live)).toBe(trouble);
  });

  it('that no node takes it', () => {
    const live = pod('p', {});
    live.status.conditions = [{ type: 'PodScheduled', status: 'False', message: 'Insufficient memory' }];
    expect(troubleOf(live)).toBe('not scheduled: Insufficient memory');
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

  it('an image that cannot be had counts from when that began', () => {
    const troubles = new Troubles(() => undefined);
    troubles.note([pulling], 1000);
    troubles.note([pulling], 60_000);
    expect(lacksImage(pulling)).toBe(true);
    expect(troubles.withoutImageFor(60_000, [pulling], 60_999)).toEqual([]);
    expect(troubles.withoutImageFor(60_000, [pulling], 61_000)).toEqual(['p']);
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
