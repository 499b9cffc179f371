// Reading from the objects of a namespace how far a deployment is, and what is wrong with its pods. No effects.

interface Condition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
}

interface ContainerState {
  waiting?: { reason?: string; message?: string };
  terminated?: { exitCode: number; reason?: string; message?: string };
}

interface ContainerStatus {
  name: string;
  ready: boolean;
  state: ContainerState;
  lastState?: ContainerState;
}

/** What is read of a Job, Deployment, StatefulSet, Pod or ExternalSecret, as `kubectl get --output=json` shows it. */
export interface LiveObject {
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    generation?: number;
    deletionTimestamp?: string;
    labels?: Record<string, string>;
  };
  spec: { replicas?: number; readinessGates?: { conditionType: string }[] };
  status: {
    conditions?: Condition[];
    observedGeneration?: number;
    replicas?: number;
    updatedReplicas?: number;
    availableReplicas?: number;
    phase?: string;
    containerStatuses?: ContainerStatus[];
    initContainerStatuses?: ContainerStatus[];
  };
}

export type Progress = { state: 'done' } | { state: 'waiting' | 'failed'; why: string };

const condition = ({ status }: LiveObject, type: string) => status.conditions?.find((each) => each.type === type);

function jobProgress(job: LiveObject): Progress {
  const failed = condition(job, 'Failed');
  if (failed?.status === 'True') return { state: 'failed', why: failed.message ?? failed.reason ?? 'failed' };
  return condition(job, 'Complete')?.status === 'True' ? { state: 'done' } : { state: 'waiting', why: 'running' };
}

function workloadProgress(workload: LiveObject, leastReplicas: number): Progress {
  const { metadata, spec, status } = workload;
  const wanted = Math.max(spec.replicas ?? 1, leastReplicas);
  if ((status.observedGeneration ?? 0) < (metadata.generation ?? 0)) return { state: 'waiting', why: 'not seen yet' };
  const progressing = condition(workload, 'Progressing');
  if (progressing?.status === 'False') {
    return { state: 'failed', why: progressing.message ?? progressing.reason ?? 'no progress' };
  }
  const updated = status.updatedReplicas ?? 0;
  const available = status.availableReplicas ?? 0;
  const old = (status.replicas ?? 0) - updated;
  if (updated >= wanted && available >= wanted && old <= 0) return { state: 'done' };
  return {
    state: 'waiting',
    why: `${Math.min(updated, available)} of ${wanted} ready${old > 0 ? `, ${old} old` : ''}`,
  };
}

/**
 * How far an object is; an unknown kind needs no waiting for.
 *
 * @param leastReplicas what its HPA will make of it; a new Deployment under an HPA begins with one
 */
export function progressOf(object: LiveObject, leastReplicas = 0): Progress {
  switch (object.kind) {
    case 'Job':
      return jobProgress(object);
    case 'Deployment':
    case 'StatefulSet':
      return workloadProgress(object, leastReplicas);
    default:
      return { state: 'done' };
  }
}

const beginning = ['ContainerCreating', 'PodInitializing'];

function containerTrouble({ name, state, lastState }: ContainerStatus): string | undefined {
  const ended = [state.terminated, lastState?.terminated].find((each) => each !== undefined && each.exitCode !== 0);
  if (ended !== undefined) {
    const said = ended.message?.trim();
    return `${name} ended with ${ended.exitCode}${said ? `:\n${indent(said)}` : ` (${ended.reason ?? 'no reason'})`}`;
  }
  const { waiting } = state;
  if (waiting?.reason === undefined || beginning.includes(waiting.reason)) return undefined;
  return `${name}: ${waiting.reason}${waiting.message ? `: ${waiting.message}` : ''}`;
}

const shownLines = 8;
const indent = (text: string) =>
  text
    .split('\n')
    .slice(-shownLines)
    .map((line) => `      ${line}`)
    .join('\n');

/** Registration and the first checks of a load balancer are over by then, unless something is wrong. */
const gateMs = 120_000;

/** Readiness gates that stay closed although the containers have long been ready. @param now ms of the epoch */
function gateTrouble(pod: LiveObject, now: number): string | undefined {
  const ready = condition(pod, 'ContainersReady');
  if (ready?.status !== 'True' || now - Date.parse(ready.lastTransitionTime ?? '') < gateMs) return undefined;
  const closed = (pod.spec.readinessGates ?? [])
    .map(({ conditionType }) => ({ conditionType, gate: condition(pod, conditionType) }))
    .filter(({ gate }) => gate?.status !== 'True')
    .map(({ conditionType, gate }) => {
      const why = [gate?.reason, gate?.message].filter(Boolean).join(': ');
      return `readiness gate ${conditionType} stays closed: ${why || 'nobody has said anything of it'}`;
    });
  return closed.length === 0 ? undefined : closed.join('; ');
}

/** @returns what keeps a pod from being ready, with the last lines of a container that failed */
function podTrouble(pod: LiveObject, now: number): string | undefined {
  if (pod.metadata.deletionTimestamp !== undefined || pod.status.phase === 'Succeeded') return undefined;
  const scheduled = condition(pod, 'PodScheduled');
  if (scheduled?.status === 'False') return `not scheduled: ${scheduled.message ?? scheduled.reason}`;
  const { initContainerStatuses = [], containerStatuses = [] } = pod.status;
  const troubles = [...initContainerStatuses, ...containerStatuses]
    .filter(({ ready }) => !ready)
    .map(containerTrouble)
    .filter((each) => each !== undefined);
  return troubles.length === 0 ? gateTrouble(pod, now) : troubles.join('; ');
}

/** Why External Secrets could not make a Secret, for which pods then wait in ContainerCreating. The cause may be in its events only. */
function secretTrouble(secret: LiveObject): string | undefined {
  const ready = condition(secret, 'Ready');
  if (ready?.status !== 'False') return undefined;
  const { name, namespace } = secret.metadata;
  return `${ready.reason}: ${ready.message} (its events say more: kubectl --namespace ${namespace} describe externalsecret ${name})`;
}

/**
 * What is wrong with a pod or an ExternalSecret; undefined when nothing is yet.
 *
 * @param now ms of the epoch
 */
export const troubleOf = (object: LiveObject, now: number): string | undefined =>
  object.kind === 'ExternalSecret' ? secretTrouble(object) : podTrouble(object, now);

const imageFaults = ['ErrImagePull', 'ImagePullBackOff', 'ErrImageNeverPull', 'InvalidImageName'];

/** Whether a container waits for an image that cannot be had. */
export const lacksImage = ({ status }: LiveObject): boolean =>
  [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])].some(({ state }) =>
    imageFaults.includes(state.waiting?.reason ?? ''),
  );
