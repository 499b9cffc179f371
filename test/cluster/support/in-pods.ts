// The tests of the black-box suite that pods behind one address cannot pass: each by its name, with the reason.

/** Counted as skipped. */
const leftOut: Readonly<Record<string, string>> = {
  'files on disk': 'pods share no disk; in a cluster files are on S3, where the same tests run',
  'with a frozen Redis still within 5 s': 'freezes a process of this machine; the pods use the one in the cluster',
};

/** What these start has one pod behind its address; all else has as many as are deployed. */
const withOnePod: Readonly<Record<string, string>> = {
  'says draining after SIGTERM, while requests are answered with Connection: close':
    'pods hear of their end at different moments, and until then each says that it is ready',
};

type Body = () => unknown;
type Block = (name: string, body: Body, ...rest: never[]) => void;

async function alone(body: Body): Promise<void> {
  process.env.PODS_BEHIND_AN_ADDRESS = '1';
  try {
    await body();
  } finally {
    delete process.env.PODS_BEHIND_AN_ADDRESS;
  }
}

function inPods(block: jest.It | jest.Describe): Block {
  const pick: Block = (name, body, ...rest) => {
    const reason = leftOut[name];
    if (reason !== undefined) (block.skip as Block)(`${name} (not in a pod: ${reason})`, body, ...rest);
    else (block as Block)(name, name in withOnePod ? () => alone(body) : body, ...rest);
  };
  return Object.assign(pick, block);
}

Object.assign(globalThis, { it: inPods(it), describe: inPods(describe) });
