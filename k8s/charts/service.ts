import type { Construct } from 'constructs';
import { serviceImage, thirdPartyImage } from '../../config/images.ts';
import { proxyPort, proxyResources } from '../../config/proxy.ts';
import { serviceSettings } from '../../config/service-settings.ts';
import { settingsDir } from '../constructs/pod.ts';
import { ProxyConfig, type Sidecar } from '../constructs/proxy.ts';
import { Scaling } from '../constructs/scaling.ts';
import { WebService } from '../constructs/web-service.ts';
import { awsCredentialsFile } from './local-credentials.ts';
import { type ChartInput, parts, versionOf } from './parts.ts';
import { secretFiles } from './secrets.ts';

export function service(scope: Construct, input: ChartInput): void {
  const { environment, images } = input;
  const { namespace, derived, loadBalancer, rollout, scaling, pod, network } = environment;
  const identity = parts(environment, versionOf(input)).web;
  let proxy: Sidecar | undefined;
  if (environment.proxy) {
    const configName = `${identity.name}-proxy`;
    const { data: config } = new ProxyConfig(scope, 'proxy', {
      namespace,
      identity,
      configName,
      port: proxyPort,
      httpPort: environment.service.httpPort,
      keepAliveSeconds: derived.keepAliveSeconds,
      requestTimeoutSeconds: derived.requestTimeoutSeconds,
    });
    const image = thirdPartyImage('nginx', images);
    proxy = { image, configName, config, port: proxyPort, resources: proxyResources };
  }
  const web = new WebService(scope, 'web', {
    namespace,
    identity,
    image: serviceImage(environment, images),
    httpPort: environment.service.httpPort,
    metricsPort: environment.service.metricsPort,
    probes: { readiness: '/health', liveness: '/live' },
    settings: {
      ...serviceSettings(environment),
      ...(network === undefined ? { AWS_SHARED_CREDENTIALS_FILE: `${settingsDir}/${awsCredentialsFile}` } : {}),
    },
    secret: secretFiles(environment, 'web'),
    resources: pod,
    replicas: scaling.profile === 'none' ? scaling.minReplicas : undefined,
    surge: rollout.surge,
    progressDeadlineSeconds: rollout.progressDeadlineSeconds,
    evictAfterSeconds: rollout.evictAfterSeconds,
    preStopSeconds: loadBalancer.preStopSeconds,
    terminationGraceSeconds: derived.terminationGraceSeconds,
    capacity: network === undefined ? undefined : environment.nodes.capacity,
    proxy,
  });
  if (scaling.profile === 'none') return;
  new Scaling(scope, 'scaling', { ...scaling, profile: scaling.profile, namespace, identity, target: web });
}
