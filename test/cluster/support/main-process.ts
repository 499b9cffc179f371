// Does things to the main process of a pod from inside it, through Node's own inspector: the kernel shields the first process
// of a container from signals of its neighbours, and the product has no hooks for tests.
import { kubectl, type Pod } from './kubectl.ts';

/** Runs in the container: opens the inspector of process 1, has it evaluate argv[1], and prints what came of it. */
const script = `
process.kill(1, 'SIGUSR1');
const list = async () => {
  for (;;) {
    const found = await fetch('http://127.0.0.1:9229/json/list').then((r) => r.json(), () => []);
    if (found[0]) return found[0].webSocketDebuggerUrl;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};
list().then((url) => {
  const socket = new WebSocket(url);
  socket.onopen = () => socket.send(JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression: process.argv[1] } }));
  socket.onmessage = ({ data }) => {
    const { id, result } = JSON.parse(data);
    if (id !== 1) return;
    console.log(JSON.stringify(result));
    process.exit(result.exceptionDetails ? 1 : 0);
  };
});`;

/** A moment later, so that the answer still gets out. */
const soon = (code: string) => `setTimeout(() => { ${code} }, 200).hasRef()`;

async function evaluate(pod: Pod, expression: string): Promise<void> {
  const { namespace = 'default', name } = pod.metadata;
  await kubectl(['--namespace', namespace, 'exec', name, '--', 'node', '-e', script, expression], undefined, 30_000);
}

/** Takes more memory than the pod may have, for which the kernel ends it with SIGKILL: no handler runs. */
export const killByKernel = (pod: Pod) =>
  evaluate(pod, soon('const kept = []; for (;;) kept.push(Buffer.alloc(16 * 1024 * 1024, 1));'));

/** Blocks the event loop for ever: the process lives, and its port still takes connections, but nothing is answered. */
export const blockForEver = (pod: Pod) => evaluate(pod, soon('for (;;);'));
