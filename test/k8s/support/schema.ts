// Holds manifests against the schemas of their kinds: wrong types, missing fields, and fields that no schema knows.
import { createRequire } from 'node:module';
import { buildSync } from 'esbuild';
import { type Manifest, root } from './manifests.ts';

/**
 * As kubernetes-models compiles it from the API's OpenAPI document, or from a custom resource definition.
 *
 * @throws an Error with `errors`
 */
type Validate = (data: unknown) => void;

interface ValidationError {
  errors: { instancePath: string; message: string }[];
}

/** The package that has a group's schemas. */
const packages: readonly [group: RegExp, name: string][] = [
  [/^monitoring\.coreos\.com\//, '@kubernetes-models/prometheus-operator'],
  [/^external-secrets\.io\//, '@kubernetes-models/external-secrets'],
  [/^((apps|batch|autoscaling|policy|networking\.k8s\.io|rbac\.authorization\.k8s\.io)\/)?v\d+$/, 'kubernetes-models'],
];

const kindOf = ({ apiVersion, kind }: Manifest) => `${apiVersion}/${kind}`;

/**
 * @returns a function from a manifest to its faults, each with the path of the field
 * @throws Error when a manifest is of a kind of which no package has a schema
 */
export function schemasFor(manifests: readonly Manifest[]): (manifest: Manifest) => string[] {
  const kinds = [...new Set(manifests.map(kindOf))];
  const validators = load(kinds);
  return (manifest) => {
    const validate = validators[kinds.indexOf(kindOf(manifest))];
    if (validate === undefined) throw new Error(`no schema was loaded for ${kindOf(manifest)}`);
    return faultsOf(manifest, validate);
  };
}

/** The packages hold ES modules that import one another by their exports: they are bundled into one script. */
function load(kinds: readonly string[]): Validate[] {
  const source = kinds.map((kind, index) => {
    const name = packages.find(([group]) => group.test(kind.slice(0, kind.lastIndexOf('/'))))?.[1];
    if (name === undefined) throw new Error(`no package has the schema of ${kind}`);
    const type = kind.slice(kind.lastIndexOf('/') + 1);
    return `import { ${type} as Kind${index} } from '${name}/${kind}';
export const validate${index} = (data) => Kind${index}.prototype.validate.call(data);`;
  });
  const { outputFiles } = buildSync({
    stdin: { contents: source.join('\n'), resolveDir: root },
    bundle: true,
    write: false,
    format: 'cjs',
    platform: 'node',
    // Some patterns are checked by RE2, which finds its WebAssembly beside itself.
    external: ['re2-wasm'],
    logLevel: 'error',
  });
  const bundle: { exports: Record<string, Validate> } = { exports: {} };
  new Function('module', 'exports', 'require', outputFiles[0]?.text ?? '')(
    bundle,
    bundle.exports,
    createRequire(`${root}/package.json`),
  );
  return kinds.map((_, index) => bundle.exports[`validate${index}`] as Validate);
}

function faultsOf(manifest: Manifest, validate: Validate): string[] {
  const seen = new Set<string>();
  const faults: string[] = [];
  try {
    validate(watched(manifest, '', seen));
  } catch (error) {
    if (!(error instanceof Object && 'errors' in error)) throw error;
    const { errors } = error as ValidationError;
    faults.push(...errors.map(({ instancePath, message }) => `${instancePath} ${message}`.trim()));
  }
  return [...faults, ...passedBy(manifest, '', seen).map((path) => `${path} is no field of the schema`)];
}

/** An object that keeps the path of each field that is read. */
function watched<T extends object>(value: T, path: string, seen: Set<string>): T {
  return new Proxy(value, {
    get(target, key) {
      const member: unknown = Reflect.get(target, key);
      if (typeof key === 'symbol' || !Object.hasOwn(target, key)) return member;
      const at = `${path}/${key}`;
      seen.add(at);
      return typeof member === 'object' && member !== null ? watched(member, at, seen) : member;
    },
  });
}

/** Validators ignore fields that they do not know: they never read them. */
function passedBy(value: unknown, path: string, seen: ReadonlySet<string>): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) => {
    const at = `${path}/${key}`;
    return seen.has(at) ? passedBy(member, at, seen) : [at];
  });
}
