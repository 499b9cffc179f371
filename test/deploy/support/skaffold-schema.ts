// What of schema skaffold/v4beta14 this repository may use, by the definitions of that schema.
// Source: `skaffold schema get skaffold/v4beta14` (v2.24.0); what is not listed was not looked at.

type Plain = 'string' | 'integer' | 'boolean' | 'integer or string' | 'map of strings';

/** A field is a plain value, or a list of one shape, or an object. */
export type Shape = Plain | readonly [Shape] | ObjectShape;
interface ObjectShape {
  /** A name that ends in ! is required. */
  readonly [field: string]: Shape;
}

const hostHook: Shape = { 'command!': ['string'], dir: 'string', os: ['string'] };
const hooks: Shape = { before: [{ host: hostHook }], after: [{ host: hostHook }] };
const manifests: Shape = { rawYaml: ['string'], output: 'string', hooks };
const portForward: Shape = [
  {
    resourceType: 'string',
    resourceName: 'string',
    namespace: 'string',
    port: 'integer or string',
    address: 'string',
    localPort: 'integer',
  },
];
const build: Shape = {
  local: {
    concurrency: 'integer',
    push: 'boolean',
    tryImportMissing: 'boolean',
    useBuildkit: 'boolean',
    useDockerCLI: 'boolean',
  },
  tagPolicy: { inputDigest: {}, sha256: {} },
  platforms: ['string'],
  artifacts: [
    {
      'image!': 'string',
      context: 'string',
      docker: {
        dockerfile: 'string',
        target: 'string',
        buildArgs: 'map of strings',
        noCache: 'boolean',
        pullParent: 'boolean',
        cliFlags: ['string'],
      },
      platforms: ['string'],
      runtimeType: 'string',
    },
  ],
};
const test: Shape = [
  {
    'image!': 'string',
    context: 'string',
    custom: [
      {
        'command!': 'string',
        timeoutSeconds: 'integer',
        dependencies: { command: 'string', paths: ['string'], ignore: ['string'] },
      },
    ],
  },
];
const deploy: Shape = {
  kubeContext: 'string',
  statusCheck: 'boolean',
  statusCheckDeadlineSeconds: 'integer',
  tolerateFailuresUntilDeadline: 'boolean',
  kubectl: {
    flags: { apply: ['string'], delete: ['string'], disableValidation: 'boolean', global: ['string'] },
    defaultNamespace: 'string',
    hooks,
  },
};

export const skaffoldConfig: Shape = {
  'apiVersion!': 'string',
  'kind!': 'string',
  metadata: { name: 'string', labels: 'map of strings', annotations: 'map of strings' },
  build,
  test,
  manifests,
  deploy,
  portForward,
  profiles: [{ 'name!': 'string', build, test, manifests, deploy, portForward }],
};

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const is: Record<Plain, (value: unknown) => boolean> = {
  string: (value) => typeof value === 'string',
  integer: Number.isInteger,
  boolean: (value) => typeof value === 'boolean',
  'integer or string': (value) => Number.isInteger(value) || typeof value === 'string',
  'map of strings': (value) => isObject(value) && Object.values(value).every((each) => typeof each === 'string'),
};

/** @returns what of the value the shape does not have, is of another type, or is required and missing, each by its path */
export function faultsOf(value: unknown, shape: Shape, path = ''): string[] {
  if (typeof shape === 'string') return is[shape](value) ? [] : [`${path} is no ${shape}`];
  if (Array.isArray(shape)) {
    return Array.isArray(value)
      ? value.flatMap((each, index) => faultsOf(each, shape[0] as Shape, `${path}/${index}`))
      : [`${path} is no list`];
  }
  if (!isObject(value)) return [`${path} is no object`];
  const members = shape as ObjectShape;
  const missing = Object.keys(members).filter((name) => name.endsWith('!') && !(name.slice(0, -1) in value));
  return [
    ...missing.map((name) => `${path}/${name.slice(0, -1)} is missing`),
    ...Object.entries(value).flatMap(([field, member]) => {
      const known = members[field] ?? members[`${field}!`];
      return known === undefined ? [`${path}/${field} is not known`] : faultsOf(member, known, `${path}/${field}`);
    }),
  ];
}
