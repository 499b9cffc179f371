// One request from the load balancer down to the stores: its log lines, its metric and its trace, found by its id alone.
import { randomBytes, randomUUID } from 'node:crypto';
import { type Balancer, startBalancer } from '../../local/balancer/balancer.ts';
import { ask } from '../support/client.ts';
import { type OtlpReceiver, startOtlpReceiver } from '../support/otlp.ts';
import { type ServiceProcess, startService } from '../support/service.ts';
import { sendUpload } from '../support/uploads.ts';
import { waitFor } from '../support/wait.ts';
import { createWorld, describeS3, endWorld, type World } from '../support/world.ts';

const client = '203.0.113.9';
const requestId = randomUUID();
const [traceId, callerSpan] = [16, 8].map((bytes) => randomBytes(bytes).toString('hex'));
const [server, outward] = [2, 3];
const names = ['replica-1', 'replica-2'];

describeS3('an upload through the load balancer', () => {
  let world: World;
  let receiver: OtlpReceiver;
  let replicas: ServiceProcess[];
  let balancer: Balancer;
  let answer: Awaited<ReturnType<typeof sendUpload>>;
  let before: number[];

  /** Uploads that each replica has answered with 201, as it counts them itself. */
  const counted = () =>
    Promise.all(
      replicas.map(async ({ metricsUrl }, at) => {
        const labels = ['method="POST"', 'route="/upload"', 'status="201"', `instance_name="${names[at]}"`];
        const metrics = `${(await ask(metricsUrl)).body}`.split('\n');
        const counts = metrics.filter((line) => line.startsWith('http_request_duration_seconds_count{'));
        const line = counts.find((each) => labels.every((label) => each.includes(label)));
        return Number(line?.split(' ').at(-1) ?? 0);
      }),
    );
  const eventsOf = (replica: ServiceProcess) => replica.logs.filter((line) => line.requestId === requestId);

  beforeAll(async () => {
    world = await createWorld();
    receiver = await startOtlpReceiver();
    // The proxy that names the client, and the load balancer that names the proxy.
    const settings = { ...(await world.s3Environment()), OTLP_ENDPOINT: receiver.endpoint, TRUSTED_PROXY_HOPS: '2' };
    replicas = await Promise.all(names.map((INSTANCE) => startService({ ...settings, INSTANCE })));
    balancer = await startBalancer({ targets: replicas.map(({ port }) => ({ host: '127.0.0.1', port })) });
    await waitFor('healthy targets', () => balancer.targets().every(({ state }) => state === 'healthy'));

    const headers = { 'X-API-Key': world.adminKey, 'Content-Disposition': 'attachment; filename="a.bin"' };
    // Others of the same route: what is found must be this one's.
    for (const _ of names) expect((await sendUpload(balancer.url, headers, 'another')).status).toBe(201);
    before = await counted();
    expect(before.reduce((sum, count) => sum + count)).toBe(names.length);
    answer = await sendUpload(
      balancer.url,
      {
        ...headers,
        'X-Request-Id': requestId,
        'X-Forwarded-For': client,
        traceparent: `00-${traceId}-${callerSpan}-01`,
      },
      'followed',
    );
    const both = () => replicas.some((replica) => eventsOf(replica).length === 2);
    await waitFor('its access and its audit event', both);
    const ended = () => receiver.spans.some((span) => span.traceId === traceId && span.kind === server);
    await waitFor('its trace', ended);
  }, 120_000);

  afterAll(async () => {
    await balancer?.close();
    await endWorld();
    receiver?.close();
  });

  it('is answered with its id and its trace', () => {
    expect(answer.status).toBe(201);
    expect(answer.headers).toMatchObject({
      'x-request-id': requestId,
      traceparent: expect.stringContaining(`00-${traceId}-`),
      'content-type': 'application/json; charset=utf-8',
    });
  });

  it('is in the access and the audit log of one replica, and its metric and trace are of the same one', async () => {
    const [at, ...others] = replicas.flatMap((replica, index) => (eventsOf(replica).length > 0 ? [index] : []));
    expect(others).toEqual([]);
    const instance = names[at ?? -1];
    const spans = receiver.spans.filter((span) => span.traceId === traceId);
    const root = spans.find(({ kind }) => kind === server);

    const same = { requestId, instance, traceId, spanId: root?.spanId, status: 201 };
    expect(eventsOf(replicas[at ?? -1] as ServiceProcess)).toEqual([
      expect.objectContaining({ ...same, event: 'audit', action: 'POST /upload', target: answer.body.id }),
      expect.objectContaining({ ...same, event: 'access', route: '/upload', client }),
    ]);
    expect(await counted()).toEqual(before.map((count, index) => count + (index === at ? 1 : 0)));
    expect(root).toMatchObject({
      parentSpanId: callerSpan,
      attributes: { 'http.response.header.x-request-id': [requestId], 'client.address': client },
      resource: { 'service.instance.id': instance },
    });
  });

  it('has spans of Redis, PostgreSQL and S3 in its trace, each below that of the server', () => {
    const spans = receiver.spans.filter((span) => span.traceId === traceId);
    const root = spans.find(({ kind }) => kind === server);
    const children = spans.filter((span) => span !== root);
    expect(children.map(({ kind, parentSpanId }) => [kind, parentSpanId])).toEqual(
      children.map(() => [outward, root?.spanId]),
    );
    const stores = children.map(({ attributes }) => attributes['db.system.name'] ?? attributes['rpc.method']);
    expect([...new Set(stores)].sort()).toEqual(['PutObject', 'postgresql', 'redis']);
  });
});
