// The ways in which replicas follow the load, as data.

interface Direction {
  /** The wish must hold for so long. */
  windowSeconds: number;
  /** How far usage may be off the target before anything happens, as a share of it. */
  tolerance: number;
  policies: readonly { type: 'Pods' | 'Percent'; value: number; periodSeconds: number }[];
}

export interface Profile {
  /** Wanted CPU, in percent of the request, on average over the pods. */
  cpuPercent: number;
  up: Direction;
  down: Direction;
}

/** Double, or four more, at each sync. */
const fast = [
  { type: 'Percent', value: 100, periodSeconds: 15 },
  { type: 'Pods', value: 4, periodSeconds: 15 },
] as const;
const onePerMinute = [{ type: 'Pods', value: 1, periodSeconds: 60 }] as const;
const onePerFiveMinutes = [{ type: 'Pods', value: 1, periodSeconds: 300 }] as const;

/**
 * `responsive` reacts at the next sync. The bands do what alarms on an Auto Scaling group did: out above the upper edge, in
 * below the lower one, nothing in between. Their edges are the target and its tolerance (on from Kubernetes 1.35): 50 % × (1 − 0.4) = 30 %.
 */
export const profiles: Readonly<Record<'responsive' | 'band-50-30' | 'band-80-20', Profile>> = {
  responsive: {
    cpuPercent: 60,
    up: { windowSeconds: 0, tolerance: 0.1, policies: fast },
    down: { windowSeconds: 300, tolerance: 0.1, policies: onePerMinute },
  },
  'band-50-30': {
    cpuPercent: 50,
    up: { windowSeconds: 120, tolerance: 0, policies: fast },
    down: { windowSeconds: 300, tolerance: 0.4, policies: onePerMinute },
  },
  'band-80-20': {
    cpuPercent: 80,
    // Two evaluation periods of a minute each, then five minutes between steps.
    up: { windowSeconds: 120, tolerance: 0, policies: onePerFiveMinutes },
    down: { windowSeconds: 120, tolerance: 0.75, policies: onePerFiveMinutes },
  },
};

/** Removes whatever is idle after a minute, in one step: cheap, and slow when the load comes back. */
export const costScaleIn: Direction = {
  windowSeconds: 60,
  tolerance: 0.1,
  policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }],
};
