// The balancer as a process of its own, with a control port on which its targets are read and replaced.
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import { startBalancer } from './balancer.ts';
import type { TargetAddress } from './target-group.ts';

const usage = `usage: node local/balancer/main.ts [--host 127.0.0.1] [--port 0] [--control-port 0] [--health-path /health]
         [--interval-ms 1000] [--deregistration-delay-ms 35000] [--target HOST:PORT ...]
Prints {"url", "control"} when it listens. GET control shows targets and counters; PUT control ["HOST:PORT", ...] sets the targets.`;

function address(text: unknown): TargetAddress {
  const [, host, port] = (typeof text === 'string' && /^([\w.-]+):(\d{1,5})$/.exec(text)) || [];
  if (host === undefined || Number(port) > 65535) throw new Error(`${JSON.stringify(text)} is not HOST:PORT`);
  return { host, port: Number(port) };
}

function whole(name: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new Error(`--${name} must be a whole number, not ${text}`);
  return Number(text);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      host: { type: 'string', default: '127.0.0.1' },
      port: { type: 'string', default: '0' },
      'control-port': { type: 'string', default: '0' },
      'health-path': { type: 'string', default: '/health' },
      'interval-ms': { type: 'string', default: '1000' },
      'deregistration-delay-ms': { type: 'string', default: '35000' },
      target: { type: 'string', multiple: true, default: [] },
    },
  });
  const balancer = await startBalancer({
    host: values.host,
    port: whole('port', values.port),
    health: { path: values['health-path'], intervalMs: whole('interval-ms', values['interval-ms']) },
    deregistrationDelayMs: whole('deregistration-delay-ms', values['deregistration-delay-ms']),
    targets: values.target.map(address),
  });
  const control = createServer(async (asked, answer) => {
    let status = 200;
    let error = {};
    if (asked.method === 'PUT') {
      try {
        const text = Buffer.concat(await asked.toArray()).toString();
        balancer.setTargets((JSON.parse(text) as unknown[]).map(address));
      } catch (caught) {
        status = 422;
        error = { error: (caught as Error).message };
      }
    }
    answer.writeHead(status, { 'Content-Type': 'application/json' });
    answer.end(JSON.stringify({ targets: balancer.targets(), counters: balancer.counters(), ...error }));
  });
  // Whoever reaches it decides where requests go: never beyond this machine.
  control.listen(whole('control-port', values['control-port']), '127.0.0.1', () => {
    const bound = control.address();
    const port = bound !== null && typeof bound === 'object' ? bound.port : 0;
    console.log(JSON.stringify({ url: balancer.url, control: `http://127.0.0.1:${port}` }));
  });
  const stop = async () => {
    control.close();
    control.closeAllConnections();
    await balancer.close(35_000);
  };
  process.once('SIGTERM', stop).once('SIGINT', stop);
}

main().catch((error: Error) => {
  console.error(`${error.message}\n${usage}`);
  process.exitCode = 1;
});
