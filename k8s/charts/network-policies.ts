import type { Construct } from 'constructs';
import { isPartOf } from '../../config/cidr.ts';
import type { Environment } from '../../config/environment.ts';
import { proxyPort } from '../../config/proxy.ts';
import { selectorLabels } from '../constructs/labels.ts';
import { AllowedFlows, DefaultDeny, dns, type Flow, type Peer } from '../constructs/network-policy.ts';
import { type ChartInput, parts, storePorts } from './parts.ts';

/** The agent of EKS Pod Identity on each node. Source: EKS user guide, "Pod Identity agent". */
const podIdentityAgent = '169.254.170.23/32';

export function networkPolicies(scope: Construct, { environment }: ChartInput): void {
  const { namespace, service, proxy, loadBalancer, monitoringNamespace, network, tracing } = environment;
  const { web, bootstrap, migrate, ...rest } = parts(environment);
  new DefaultDeny(scope, 'default-deny', { namespace, identity: rest.namespace });

  const stores = storeFlows(environment);
  new AllowedFlows(scope, 'web', {
    namespace,
    identity: web,
    ingress: [
      {
        peers: loadBalancer.cidrs.map((cidr) => from(cidr, loadBalancer.exceptCidrs)),
        ports: [proxy ? proxyPort : service.httpPort],
      },
      { peers: [{ namespace: monitoringNamespace }], ports: [service.metricsPort] },
    ],
    egress: [
      dns,
      stores.database,
      stores.cache,
      ...stores.objects,
      ...(network === undefined ? [] : [{ peers: [{ cidr: podIdentityAgent }], ports: [80] }]),
      ...(tracing === undefined ? [] : [collector(tracing.endpoint)]),
    ],
  });
  for (const identity of [bootstrap, migrate]) {
    new AllowedFlows(scope, identity.component, { namespace, identity, egress: [dns, stores.database] });
  }
  if (network !== undefined) return;

  const pods = (identity: { name: string; component: string }): Peer => ({ pods: selectorLabels(identity) });
  const into = (identity: typeof web, port: keyof typeof storePorts, peers: Peer[]) =>
    new AllowedFlows(scope, identity.component, {
      namespace,
      identity,
      ingress: [{ peers, ports: [storePorts[port]] }],
    });
  into(rest.postgres, 'postgres', [web, bootstrap, migrate].map(pods));
  into(rest.redis, 'redis', [pods(web)]);
  into(rest.s3, 's3', [pods(web)]);
}

/** The API server takes an exception only where it is a part of the range. */
const from = (cidr: string, except: readonly string[]): Peer => ({
  cidr,
  except: except.filter((each) => isPartOf(each, cidr)),
});

/** To the receiver of traces. A policy knows ports of pods only, so the collector's are those of its Service. */
function collector(endpoint: string): Flow {
  const { hostname, port } = new URL(endpoint);
  return { peers: [{ namespace: hostname.split('.')[1] as string }], ports: [Number(port || 80)] };
}

interface StoreFlows {
  database: Flow;
  cache: Flow;
  objects: Flow[];
}

/** Ways out to the data stores: subnets of the VPC and S3 in AWS, pods of the namespace on a laptop. */
function storeFlows(environment: Environment): StoreFlows {
  const { network } = environment;
  if (network === undefined) {
    const { postgres, redis, s3 } = parts(environment);
    const to = (identity: typeof postgres, port: number): Flow => ({
      peers: [{ pods: selectorLabels(identity) }],
      ports: [port],
    });
    return {
      database: to(postgres, storePorts.postgres),
      cache: to(redis, storePorts.redis),
      objects: [to(s3, storePorts.s3)],
    };
  }
  const dataSubnets = network.databaseCidrs.map((cidr) => ({ cidr }));
  return {
    database: { peers: dataSubnets, ports: [storePorts.postgres] },
    cache: { peers: dataSubnets, ports: [storePorts.redis] },
    // S3 has public addresses even through its gateway endpoint.
    objects: [{ peers: [{ cidr: '0.0.0.0/0', except: [network.vpcCidr] }], ports: [443] }],
  };
}
