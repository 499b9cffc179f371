// Looks into a running service through Node's own inspector, so that the product needs no hooks for tests.
import type { ServiceProcess } from './service.ts';
import { waitFor } from './wait.ts';

/** Start the service with these flags of Node. */
export const inspectable = ['--inspect=127.0.0.1:0'];

export interface Inspector {
  /** Collects garbage and returns the bytes in use, on the heap and outside of it. */
  memoryAfterGarbageCollection(): Promise<number>;
  /** Lets an error go uncaught in it. */
  crash(): Promise<void>;
  close(): void;
}

export async function inspect(service: ServiceProcess): Promise<Inspector> {
  let address: string | undefined;
  await waitFor('the inspector', () => {
    address = service.logs.map(({ text }) => /ws:\/\/\S+/.exec(String(text))?.[0]).find((found) => found !== undefined);
    return address !== undefined;
  });
  const socket = new WebSocket(address as string);
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = reject;
  });
  let last = 0;
  const call = (method: string, params: object = {}) =>
    new Promise<{ result?: { value: unknown } }>((resolve) => {
      const id = ++last;
      const listen = ({ data }: MessageEvent) => {
        const message = JSON.parse(data as string) as { id?: number; result: { result?: { value: unknown } } };
        if (message.id !== id) return;
        socket.removeEventListener('message', listen);
        resolve(message.result);
      };
      socket.addEventListener('message', listen);
      socket.send(JSON.stringify({ id, method, params }));
    });
  return {
    async memoryAfterGarbageCollection() {
      await call('HeapProfiler.collectGarbage');
      await call('HeapProfiler.collectGarbage');
      const expression = '(({ heapUsed, external }) => heapUsed + external)(process.memoryUsage())';
      const { result } = await call('Runtime.evaluate', { expression, returnByValue: true });
      return result?.value as number;
    },
    async crash() {
      await call('Runtime.evaluate', { expression: "void setTimeout(() => { throw new Error('on purpose'); })" });
    },
    close: () => socket.close(),
  };
}
