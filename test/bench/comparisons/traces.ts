// What traces cost: GET /session with every request traced, against the same with traces off; and that, against a build without the code of traces.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Comparison, of, ofBoth } from '../comparison.ts';
import { interleave, underLoad } from '../measure.ts';
import type { Stage } from '../stage.ts';
import { ratio } from '../statistics.ts';
import { buildWithout } from '../without.ts';

/** Takes everything and looks at nothing, so that it does not disturb the load beside it. */
async function startReceiver(): Promise<{ endpoint: string; close(): void }> {
  const server = createServer((message, response) => {
    message.resume();
    message.once('end', () => response.writeHead(200, { 'Content-Type': 'application/json' }).end('{}'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

export async function compareTraces(stage: Stage): Promise<Comparison[]> {
  const receiver = await startReceiver();
  stage.atEnd(() => receiver.close());
  const untraced = buildWithout('tracing', stage.dir);
  const servers = [
    { ...(await stage.startService()), name: 'off' },
    { ...(await stage.startService()), name: 'off again' },
    { ...(await stage.startService({ OTLP_ENDPOINT: receiver.endpoint })), name: 'on' },
    { ...(await stage.startService({}, untraced)), name: 'without' },
    { ...(await stage.startService({}, untraced)), name: 'without again' },
  ];
  const target = { method: 'GET', paths: ['/session'], status: 200, cookies: true } as const;
  const rounds = await interleave(
    stage,
    servers.map((server) => underLoad(stage, server, target)),
  );
  for (const server of servers) await server.stop();
  const off = of(rounds, 'off');
  const eitherOff = ofBoth(rounds, 'off');
  const without = ofBoth(rounds, 'without');
  return [
    {
      title: 'GET /session with every request traced and its spans sent, efficiency against the same without traces',
      unit: 'CPU µs per request',
      service: Math.min(...of(rounds, 'on')),
      peer: Math.min(...off),
      peerName: 'the service without traces',
      ratio: ratio(off, of(rounds, 'on')),
      peerAgainstItself: ratio(of(rounds, 'off again'), off),
      holdsBack: '',
    },
    {
      title: 'GET /session with traces off, efficiency against the same built without the code of traces',
      unit: 'CPU µs per request',
      service: Math.min(...eitherOff),
      peer: Math.min(...without),
      peerName: 'without the code of traces',
      ratio: ratio(without, eitherOff),
      peerAgainstItself: ratio(of(rounds, 'without again'), of(rounds, 'without')),
      bound: { kind: 'at least', floor: 0.95, noiseMeets: true },
      holdsBack:
        'What asks whether traces are on may have become dearer than it may be; only more runs tell it from the noise of the machine.',
    },
  ];
}
