/** What an object belongs to. */
export interface Identity {
  /** Of the application, such as the web service itself or `postgres`. */
  name: string;
  /** What it does there: `web`, `migrate`, `database` … */
  component: string;
  /** The system that all parts belong to. */
  partOf: string;
  /** Shown only, never selected by. */
  version?: string | undefined;
}

/** The labels that selectors use: they can never change for a workload, so a version is none of them. */
export const selectorLabels = ({ name, component }: Pick<Identity, 'name' | 'component'>): Record<string, string> => ({
  'app.kubernetes.io/name': name,
  'app.kubernetes.io/component': component,
});

/** The recommended labels. Source: kubernetes.io, "Recommended Labels". */
export const labels = (identity: Identity): Record<string, string> => ({
  ...selectorLabels(identity),
  'app.kubernetes.io/part-of': identity.partOf,
  'app.kubernetes.io/managed-by': 'cdk8s',
  ...(identity.version === undefined ? {} : { 'app.kubernetes.io/version': identity.version }),
});
