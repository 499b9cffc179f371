// In place of the global set-up when the black-box suite runs against pods: PostgreSQL, Redis and the S3 server are those
// of the local environment, reached from here through port-forwards and from the pods by their names.

import { readImages } from '../../../config/images.ts';
import { throwawaySecret } from '../../../k8s/charts/local-credentials.ts';
import { storePorts } from '../../../k8s/charts/parts.ts';
import { type Manifest, synthesize } from '../../../k8s/synth.ts';
import { prepareTemplate } from '../../support/databases.ts';
import { running, setUpWith } from '../../support/global-setup.ts';
import { type PodProgram, type SharedServers, shareServers } from '../../support/shared-servers.ts';
import { forward } from './forward.ts';
import { prepareCluster } from './global-setup.ts';
import { type ClusterWorld, createWorld } from './world.ts';

/** What of the charts the suite needs: it brings database users, settings and replicas of its own. */
const needed = ['Namespace', 'NetworkPolicy', 'Secret', 'ServiceAccount', 'StatefulSet'];
const isNeeded = ({ kind, metadata }: Manifest) =>
  needed.includes(kind) || (kind === 'Service' && metadata.name in storePorts);

/**
 * The pod of the Deployment, hardened as it is, with its ports. What is left out: settings and secrets (each test has its own),
 * probes and preStop (tests are the ones that ask and stop it), and starting again after an end.
 */
function podOf({ environment }: ClusterWorld, dir: string): PodProgram['pod'] {
  const deployment = [...synthesize({ environment, images: readImages() }).values()]
    .flat()
    .find(({ kind }) => kind === 'Deployment') as Manifest & {
    spec: { template: { metadata: Manifest['metadata']; spec: PodProgram['pod']['spec'] } };
  };
  const { metadata, spec } = deployment.spec.template;
  const [{ name, image, imagePullPolicy, ports, resources, securityContext }] = spec.containers;
  const volumeMounts = [{ name: 'disk', mountPath: dir }];
  return {
    metadata: { labels: metadata.labels ?? {} },
    spec: {
      ...spec,
      restartPolicy: 'Never',
      containers: [{ name, image, imagePullPolicy, ports, resources, securityContext, volumeMounts }],
      volumes: [{ name: 'disk', emptyDir: { sizeLimit: '64Mi' } }],
    },
  };
}

async function start(dir: string): Promise<void> {
  const world = await createWorld({ name: 'test-service-suite', nodePort: 30_102 });
  running.push({ stop: () => world.end() });
  await world.apply((manifest) => (isNeeded(manifest) ? manifest : undefined));
  const stores = Object.entries(storePorts);
  const addresses: [here: string, there: string][] = await Promise.all(
    stores.map(async ([name, port]) => {
      await world.kubectl('rollout', 'status', `statefulset/${name}`, '--timeout=120s');
      const forwarded = await forward(world.namespace, `service/${name}`, port);
      running.push(forwarded);
      return [`127.0.0.1:${forwarded.port}`, `${name}:${port}`];
    }),
  );
  const here = (name: keyof typeof storePorts) =>
    addresses.find(([, there]) => there === `${name}:${storePorts[name]}`)?.[0] as string;
  const { texts } = throwawaySecret;
  const redis = JSON.parse(texts['redis-credentials']) as { username: string; password: string };
  const postgres = `postgres://postgres:${texts['postgres-password']}@${here('postgres')}/postgres`;
  const servers: SharedServers = {
    dir,
    program: { pods: { namespace: world.namespace, pod: podOf(world, dir), addresses: Object.fromEntries(addresses) } },
    postgres: { url: postgres },
    redis: { url: `redis://${redis.username}:${redis.password}@${here('redis')}` },
    s3: { endpoint: `http://${here('s3')}`, accessKey: texts['s3-access-key'], secretKey: texts['s3-secret-key'] },
  };
  shareServers(servers);
  await prepareTemplate(postgres);
}

export default async function setUp(): Promise<void> {
  prepareCluster();
  await setUpWith(start);
}
