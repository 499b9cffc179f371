import { Agent, type ServerResponse } from 'node:http';
import { expect, test } from '@jest/globals';
import { startBalancer } from '../../local/balancer/balancer.ts';
import { freePort } from '../../local/ports.ts';
import { waitFor } from '../support/wait.ts';
import { allHealthy, balance, type Handler, open, send, states, target } from './targets.ts';

test('takes turns per request, also on one connection', async () => {
  const [one, two] = [await target((_, answer) => answer.end('1')), await target((_, answer) => answer.end('2'))];
  const balancer = await balance([one, two]);
  await allHealthy(balancer);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  open.push(() => agent.destroy());
  let turns = '';
  for (let at = 0; at < 6; at++) turns += (await send(balancer.url, { agent })).body;
  expect(['121212', '212121']).toContain(turns);
});

test('a target is used only after it is healthy and not when it is unhealthy; with none left it answers 503', async () => {
  const one = await target((_, answer) => answer.end('1'));
  const two = await target((_, answer) => answer.end('2'));
  two.health = 503;
  const balancer = await balance([one, two]);
  await waitFor('both checked', () => states(balancer).join() === 'healthy,unhealthy');
  for (let at = 0; at < 4; at++) expect((await send(balancer.url)).body).toBe('1');
  expect(balancer.targets()[1]).toMatchObject({ reason: '503', requests: 0 });

  two.health = 200;
  one.health = 500;
  await waitFor('the other way round', () => states(balancer).join() === 'unhealthy,healthy');
  for (let at = 0; at < 4; at++) expect((await send(balancer.url)).body).toBe('2');

  two.health = 404;
  await waitFor('none', () => states(balancer).join() === 'unhealthy,unhealthy');
  const refused = await send(balancer.url);
  expect(refused).toMatchObject({ status: 503, headers: { server: 'awselb/2.0' } });
  expect(balancer.counters().balancer).toEqual({ 503: 1 });
});

test('one failed check of a healthy target changes nothing below the threshold', async () => {
  const one = await target((_, answer) => answer.end('1'));
  const changes: string[] = [];
  const balancer = await balance([one], {
    health: { unhealthyThreshold: 3, healthyThreshold: 2 },
    changed: (_, health) => changes.push(health),
  });
  await allHealthy(balancer);
  one.health = 500;
  await waitFor('a failed check', () => balancer.targets()[0]?.reason === '500');
  one.health = 200;
  await waitFor('a good check', () => balancer.targets()[0]?.reason === '');
  expect(changes).toEqual(['healthy']);
});

test('deregistration: no new requests, those in flight may end until the delay, then they are cut', async () => {
  const answers: ServerResponse[] = [];
  const slow: Handler = (_, answer) => {
    answer.writeHead(200);
    answer.write('slow');
    answers.push(answer);
  };
  const one = await target(slow);
  const two = await target((_, answer) => answer.end('2'));
  const balancer = await balance([one], { deregistrationDelayMs: 5000 });
  await allHealthy(balancer);
  const ends = send(balancer.url);
  const cut = send(balancer.url);
  await waitFor('both in flight', () => answers.length === 2);

  balancer.setTargets([two]);
  await waitFor('the new one', () => states(balancer).join() === 'draining,healthy');
  for (let at = 0; at < 3; at++) expect((await send(balancer.url)).body).toBe('2');
  answers[0]?.end(' but whole');
  expect(await ends).toMatchObject({ body: 'slow but whole', complete: true });
  expect(await cut).toMatchObject({ body: 'slow', complete: false });
  await waitFor('the old one gone', () => states(balancer).join() === 'healthy');
});

test('connections to a target are kept and used again', async () => {
  const one = await target((_, answer) => answer.end('1'));
  const balancer = await balance([one]);
  await allHealthy(balancer);
  for (let at = 0; at < 5; at++) await send(balancer.url);
  expect(new Set(one.seen.map(({ socket }) => socket.remotePort)).size).toBe(1);
});

test('closing lets requests in flight end and then closes their kept connections', async () => {
  const answers: ServerResponse[] = [];
  const one = await target((asked, answer) => {
    if (asked.url === '/started') answer.write('s');
    answers.push(answer);
  });
  const balancer = await balance([one]);
  await allHealthy(balancer);
  const agent = new Agent({ keepAlive: true });
  open.push(() => agent.destroy());
  const waiting = send(balancer.url, { agent });
  const started = send(`${balancer.url}/started`, { agent });
  await waitFor('both in flight', () => answers.length === 2);
  let closed = false;
  const closeWithinMs = 30_000;
  const closing = balancer.close(closeWithinMs).then(() => {
    closed = true;
  });
  await expect(send(balancer.url)).rejects.toThrow('ECONNREFUSED');
  expect(closed).toBe(false);
  for (const answer of answers) answer.end('end');
  expect(await waiting).toMatchObject({ status: 200, headers: { connection: 'close' }, complete: true });
  expect(await started).toMatchObject({ body: 'send', complete: true });
  const before = performance.now();
  await closing;
  expect(performance.now() - before).toBeLessThan(closeWithinMs / 2);
});

test('a taken port is an error', async () => {
  const one = await target(() => {});
  await expect(startBalancer({ port: one.port })).rejects.toThrow('EADDRINUSE');
  expect(await freePort()).toBeGreaterThan(1023);
});
