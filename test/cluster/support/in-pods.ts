// The tests of the black-box suite that pods behind one address cannot pass: each by its name, with the reason.

const cpuTime = 'reads the CPU time of a process of this machine';
const folder = 'looks into the folder of the object store, which is none of this machine';

/** Counted as skipped. */
const leftOut: Readonly<Record<string, string>> = {
  'files on disk': 'pods share no disk; in a cluster files are on S3, where the same tests run',
  'with a frozen Redis still within 5 s': 'freezes a process of this machine; the pods use the one in the cluster',
  'leave no memory behind: at most 1 MB per 1,000 of them over ten rounds': 'looks into a process of this machine',
  'stores a raw body under the name of Content-Disposition, with its hash and its type': folder,
  'keeps nothing of an upload whose client goes away (%s length)': folder,
  'burns as much CPU as it says': cpuTime,
  'stops burning when the client goes away': cpuTime,
};

/** What these tests or files start has one pod behind its address; all else has as many as are deployed. */
const withOnePod: Readonly<Record<string, string>> = {
  'says draining after SIGTERM, while requests are answered with Connection: close':
    'pods hear of their end at different moments, and until then each says that it is ready',
  '/load': 'each pod has a burner, and which pod a second burn meets is up to the connection that it takes',
};

type Body = () => unknown;
type Block = (name: string, body: Body, ...rest: never[]) => void;

const onePod = () => {
  process.env.PODS_BEHIND_AN_ADDRESS = '1';
};
const asDeployed = () => {
  delete process.env.PODS_BEHIND_AN_ADDRESS;
};

/** @param alone the same body, whose pods are one */
function inPods(block: jest.It | jest.Describe, alone: (body: Body) => Body): Block {
  /** @param run for what runs, and `skip` for what does not */
  const picked =
    (run: Block, skip: Block): Block =>
    (name, body, ...rest) => {
      const reason = leftOut[name];
      if (reason !== undefined) skip(`${name} (not in a pod: ${reason})`, body, ...rest);
      else run(name, name in withOnePod ? alone(body) : body, ...rest);
    };
  type Each = (...table: readonly unknown[]) => Block;
  const each = block.each as Each;
  const skipEach = block.skip.each as Each;
  return Object.assign(picked(block as Block, block.skip as Block), block, {
    each: (...table: readonly unknown[]) => picked(each(...table), skipEach(...table)),
  });
}

const testAlone = (body: Body) => async () => {
  onePod();
  try {
    await body();
  } finally {
    asDeployed();
  }
};
const fileAlone = (body: Body) => () => {
  beforeAll(onePod);
  afterAll(asDeployed);
  body();
};
Object.assign(globalThis, { it: inPods(it, testAlone), describe: inPods(describe, fileAlone) });
