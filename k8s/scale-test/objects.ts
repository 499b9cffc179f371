// The fields of the API's objects that the test reads.

export interface Autoscaler {
  metadata: { name: string };
  spec: AutoscalerSpec;
  status?: {
    currentReplicas?: number;
    desiredReplicas?: number;
    currentMetrics?: ({ containerResource?: { name: string; current: { averageUtilization?: number } } } | null)[];
  };
}

export interface AutoscalerSpec {
  scaleTargetRef: { kind: string; name: string };
  minReplicas?: number;
  maxReplicas: number;
  metrics?: {
    type: string;
    containerResource?: { name: string; container: string; target: { averageUtilization?: number } };
  }[];
  behavior?: { scaleUp?: ScalingRules; scaleDown?: ScalingRules };
}

export interface ScalingRules {
  stabilizationWindowSeconds?: number;
  policies?: { type: string; value: number; periodSeconds: number }[];
}

export interface Deployment {
  metadata: { name: string; labels: Record<string, string> };
  spec: {
    replicas: number;
    selector: { matchLabels: Record<string, string> };
    template: { spec: { containers: { name: string; resources?: { requests?: { cpu?: string } } }[] } };
  };
  status: { replicas?: number; readyReplicas?: number };
}

export interface Service {
  spec: { selector?: Record<string, string>; ports: { name?: string; nodePort?: number }[] };
}

export interface PodMetrics {
  timestamp: string;
  metadata: { name: string };
  containers: { name: string; usage: { cpu: string } }[];
}

export interface List<T> {
  items: T[];
}

const unitsPerMilli: Readonly<Record<string, number>> = { n: 1e-6, u: 1e-3, m: 1, '': 1000 };

/** A quantity of CPU such as 100m, 1.5 or 2500000n, in thousandths of a core. */
export function cpuMillis(quantity: string): number {
  const [, digits, unit] = /^([\d.]+)([num]?)$/.exec(quantity) ?? [];
  return Number(digits) * (unitsPerMilli[unit ?? ''] ?? Number.NaN);
}
