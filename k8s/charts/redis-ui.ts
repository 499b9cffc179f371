// Redis Commander, a page that shows what is in the Redis of a laptop. Part of no environment: the Skaffold profile redis-ui adds it.
import { k8s } from 'cdk8s-plus-28';
import type { Construct } from 'constructs';
import { labels, selectorLabels } from '../constructs/labels.ts';
import { AllowedFlows, dns } from '../constructs/network-policy.ts';
import { hardenedContainer, hardenedPod, resources } from '../constructs/pod.ts';
import { redisUser, throwawaySecret } from './local-credentials.ts';
import { type ChartInput, parts, storePorts } from './parts.ts';

/** Made by Skaffold from k8s/redis-ui, which puts the tag that it made in its place. */
export const redisUiImage = 'slipway-redis-ui';
export const redisUiPort = 8081;
const passwordKey = 'redis-password' satisfies keyof typeof throwawaySecret.texts;

export function redisUi(scope: Construct, { environment }: ChartInput): void {
  const { namespace, service } = environment;
  const { redis } = parts(environment);
  const identity = { name: 'redis-ui', component: 'redis-ui', partOf: service.name };
  const pods = (of: typeof redis) => [{ pods: selectorLabels(of) }];
  new AllowedFlows(scope, 'out', {
    namespace,
    identity,
    egress: [dns, { peers: pods(redis), ports: [storePorts.redis] }],
  });
  new AllowedFlows(scope, 'in', {
    namespace,
    identity: redis,
    name: 'cache-from-redis-ui',
    ingress: [{ peers: pods(identity), ports: [storePorts.redis] }],
  });
  const metadata = { namespace, name: identity.name, labels: labels(identity) };
  new k8s.KubeServiceAccount(scope, 'account', { metadata, automountServiceAccountToken: false });
  const answers: k8s.Probe = { httpGet: { path: '/', port: k8s.IntOrString.fromString('http') }, timeoutSeconds: 5 };
  new k8s.KubeDeployment(scope, 'deployment', {
    metadata,
    spec: {
      replicas: 1,
      selector: { matchLabels: selectorLabels(identity) },
      template: {
        metadata: { labels: labels(identity) },
        spec: {
          ...hardenedPod(),
          serviceAccountName: identity.name,
          containers: [
            {
              ...hardenedContainer,
              name: identity.name,
              image: redisUiImage,
              args: [
                '--nosave',
                `--redis-host=${redis.name}`,
                `--redis-port=${storePorts.redis}`,
                `--redis-username=${redisUser}`,
                '--redis-password=$(PASSWORD)',
              ],
              env: [
                { name: 'PASSWORD', valueFrom: { secretKeyRef: { name: throwawaySecret.name, key: passwordKey } } },
              ],
              ports: [{ name: 'http', containerPort: redisUiPort }],
              resources: resources({ cpuRequestMillis: 20, memoryMiB: 128, ephemeralStorageMiB: 64 }),
              startupProbe: { ...answers, periodSeconds: 1, failureThreshold: 60 },
              readinessProbe: { ...answers, periodSeconds: 10 },
            },
          ],
        },
      },
    },
  });
}
