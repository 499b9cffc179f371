// What /health says: ready or not, and each dependency with its state and latency. A lost dependency never makes it unready.

export interface DependencyState {
  state: 'up' | 'down';
  latencyMs: number;
}

export type Phase = 'starting' | 'ready' | 'draining';

/** Rejects, or takes too long, when the dependency does not answer. */
export type Probe = (signal: AbortSignal) => Promise<unknown>;

export interface Health {
  phase: Phase;
  /** Whether it has ever been ready: before, only probes are answered. */
  readonly started: boolean;
  /** The last states; asked anew when older than 1 s. Answers within half a second whatever the dependencies do. */
  dependencies(): Promise<Record<string, DependencyState>>;
}

const freshMs = 1000;
const probeTimeoutMs = 400;

async function ask(probe: Probe): Promise<DependencyState> {
  const start = performance.now();
  const signal = AbortSignal.timeout(probeTimeoutMs);
  const late = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  const state = await Promise.race([probe(signal), late]).then(
    () => 'up' as const,
    () => 'down' as const,
  );
  return { state, latencyMs: Math.round((performance.now() - start) * 10) / 10 };
}

/** @param probes by the name that /health shows */
export function createHealth(probes: Record<string, Probe>): Health {
  let asked = Number.NEGATIVE_INFINITY;
  let states: Promise<Record<string, DependencyState>> | undefined;
  let phase: Phase = 'starting';
  let started = false;
  return {
    get phase() {
      return phase;
    },
    set phase(next) {
      phase = next;
      started ||= next === 'ready';
    },
    get started() {
      return started;
    },
    dependencies() {
      if (states === undefined || performance.now() - asked > freshMs) {
        asked = performance.now();
        states = Promise.all(
          Object.entries(probes).map(async ([name, probe]) => [name, await ask(probe)] as const),
        ).then(Object.fromEntries);
      }
      return states;
    },
  };
}
