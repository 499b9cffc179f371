// Everything that the manifests name in AWS is made by a template of the same environment.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { accountId } from '../../config/account.ts';
import { environmentNamed } from '../../config/environments.ts';
import type { Prerequisite } from '../../config/schema.ts';
import { periodDays } from '../../observability/rules/objectives.ts';
import {
  type Json,
  ofType,
  only,
  propertiesOf,
  root,
  type Template,
  template,
  templates,
} from './support/templates.ts';

interface Manifest {
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string>; annotations?: Record<string, string> };
  spec: Record<string, never>;
  data?: Record<string, string>;
}

const manifests = (environment: string): Manifest[] =>
  readdirSync(join(root, 'charts-out', environment)).flatMap((file) =>
    parseAllDocuments(readFileSync(join(root, 'charts-out', environment, file), 'utf8')).map(
      (document) => document.toJS() as Manifest,
    ),
  );

describe.each(['production', 'staging'])('charts-out/%s', (environment) => {
  const all = manifests(environment);
  const of = (kind: string) => all.filter((each) => each.kind === kind);
  const stack = (name: string): Template => template(environment, name);
  const data = stack('data');
  const network = stack('network');
  const names = (from: Template, type: string, property: string) => propertiesOf(from, type).map((p) => p[property]);
  const [ingress] = of('Ingress');
  const annotation = (name: string) => ingress?.metadata.annotations?.[`alb.ingress.kubernetes.io/${name}`] as string;

  it('finds its images in the registry', () => {
    const text = JSON.stringify(all);
    const registry = templates().get('slipway-registry') as Template;
    const repository = only(registry, 'AWS::ECR::Repository').RepositoryName;
    const images = [...new Set(text.match(/\d{12}\.dkr\.ecr\.[\w-]+\.amazonaws\.com\/[\w-]+/g))];
    expect(images).toEqual([`${accountId}.dkr.ecr.us-east-1.amazonaws.com/${repository}`]);
  });

  it('finds the security group of the load balancer by its Name tag', () => {
    const tags = propertiesOf(network, 'AWS::EC2::SecurityGroup').flatMap(
      ({ Tags }) => Tags as { Key: string; Value: string }[],
    );
    expect(tags.filter(({ Key }) => Key === 'Name').map(({ Value }) => Value)).toContain(annotation('security-groups'));
  });

  it('finds the web ACL', () => {
    expect(names(stack('edge'), 'AWS::WAFv2::WebACL', 'Name')).toEqual([annotation('wafv2-acl-name')]);
  });

  it('finds the bucket for its access logs, and may write where it writes', () => {
    const found = /access_logs\.s3\.bucket=(?<bucket>[^,]+),access_logs\.s3\.prefix=(?<prefix>[^,]+)/.exec(
      annotation('load-balancer-attributes'),
    );
    const { bucket, prefix } = found?.groups ?? {};
    expect(names(data, 'AWS::S3::Bucket', 'BucketName')).toContain(bucket);
    expect(JSON.stringify(ofType(data, 'AWS::S3::BucketPolicy'))).toContain(`/${prefix}/AWSLogs/`);
  });

  it('finds the bucket of its files, which its service account may use', () => {
    const [settings] = of('ConfigMap');
    const bucket = settings?.data?.S3_BUCKET;
    expect(names(data, 'AWS::S3::Bucket', 'BucketName')).toContain(bucket);
    const cluster = stack('cluster');
    const accounts = propertiesOf(cluster, 'AWS::EKS::PodIdentityAssociation').map(
      (p) => `${p.Namespace}/${p.ServiceAccount}`,
    );
    const [deployment] = of('Deployment');
    const { metadata, spec } = deployment as Manifest;
    const pod = spec as unknown as { template: { spec: { serviceAccountName: string } } };
    expect(accounts).toContain(`${metadata.namespace}/${pod.template.spec.serviceAccountName}`);
    expect(JSON.stringify(ofType(cluster, 'AWS::IAM::Policy'))).toContain(`arn:aws:s3:::${bucket}/*`);
  });

  it('finds every entry of Secrets Manager, with the members that its templates use', () => {
    const entries = new Map(
      propertiesOf(data, 'AWS::SecretsManager::Secret').map((p) => [p.Name as string, members(p)]),
    );
    const fetched = of('ExternalSecret').map(
      ({ spec }) =>
        spec as unknown as {
          dataFrom: { extract: { key: string }; rewrite: [{ regexp: { target: string } }] }[];
          target: { template: { data: Record<string, string> } };
        },
    );
    expect(fetched).toHaveLength(3);
    for (const { dataFrom, target } of fetched) {
      const offered = dataFrom.flatMap(({ extract, rewrite }) => {
        const found = entries.get(extract.key);
        expect({ key: extract.key, made: found !== undefined }).toEqual({ key: extract.key, made: true });
        return (found ?? []).map((member) => rewrite[0].regexp.target.replace('$1', member));
      });
      const used = Object.values(target.template.data).flatMap((text) =>
        [...text.matchAll(/\.([a-z][\w]*)/g)].map(([, name]) => name),
      );
      expect(used.length).toBeGreaterThan(1);
      expect(used.filter((name) => !offered.includes(name as string))).toEqual([]);
    }
  });

  it('finds each store in the subnets and on the ports that its network policies let pods reach', () => {
    const policies = JSON.stringify(of('NetworkPolicy'));
    for (const cidr of ['10.0.21.0/24', '10.0.22.0/24']) {
      expect(policies).toContain(cidr);
      expect(names(network, 'AWS::EC2::Subnet', 'CidrBlock')).toContain(cidr);
    }
    expect(only(data, 'AWS::ElastiCache::ReplicationGroup').Port).toBe(6379);
    expect(policies).toMatch(/5432.*6379|6379.*5432/);
  });

  it('runs on nodes of the capacity that it prefers', () => {
    expect(JSON.stringify(of('Deployment'))).toContain(
      String(only(stack('cluster'), 'AWS::EKS::Nodegroup').CapacityType),
    );
  });

  it('finds what it needs of a cluster', () => {
    const chartOf: Record<Prerequisite, string> = {
      'metrics-server': 'metrics-server',
      'prometheus-operator': 'kube-prometheus-stack',
      'external-secrets': 'external-secrets',
      'aws-load-balancer-controller': 'aws-load-balancer-controller',
      'prometheus-adapter': 'prometheus-adapter',
    };
    const charts = names(stack('cluster'), 'Custom::AWSCDK-EKS-HelmChart', 'Chart');
    const { prerequisites } = environmentNamed(environment);
    expect(prerequisites.length).toBeGreaterThan(3);
    for (const each of prerequisites) expect(charts).toContain(chartOf[each]);
  });

  it('finds the namespace that Prometheus lives in', () => {
    const charts = propertiesOf(stack('cluster'), 'Custom::AWSCDK-EKS-HelmChart').filter(
      ({ Chart }) => Chart === 'kube-prometheus-stack',
    );
    expect(charts.map(({ Namespace }) => Namespace)).toEqual(['monitoring']);
    expect(JSON.stringify(of('NetworkPolicy'))).toContain('"kubernetes.io/metadata.name":"monitoring"');
  });

  it('keeps as many days of metrics as the objectives are about, and less than its disk holds', () => {
    const [chart] = propertiesOf(stack('cluster'), 'Custom::AWSCDK-EKS-HelmChart').filter(
      ({ Chart }) => Chart === 'kube-prometheus-stack',
    );
    const { retention, retentionSize, storageSpec } = JSON.parse(String(chart?.Values)).prometheus.prometheusSpec;
    expect(retention).toBe(`${periodDays}d`);
    const disk = Number.parseInt(storageSpec.volumeClaimTemplate.spec.resources.requests.storage, 10);
    expect(Number.parseInt(retentionSize, 10)).toBeLessThanOrEqual(0.9 * disk);
  });

  it('has its dashboards found by Grafana', () => {
    const [prometheus] = propertiesOf(stack('cluster'), 'Custom::AWSCDK-EKS-HelmChart').filter(
      ({ Chart }) => Chart === 'kube-prometheus-stack',
    );
    const { grafana } = JSON.parse(String(prometheus?.Values));
    const { enabled, label, labelValue, searchNamespace } = grafana.sidecar.dashboards;
    expect([enabled, searchNamespace]).toEqual([true, 'ALL']);
    const found = of('ConfigMap').filter(({ metadata }) => metadata.labels?.[label] === labelValue);
    expect(found.map(({ metadata }) => metadata.name)).toEqual(['slipway-dashboard-overview']);
    // The chart's own is known to everybody.
    expect(grafana.adminPassword).toBe('');
  });
});

/** Members of the JSON object that a secret holds. */
function members({ GenerateSecretString, SecretString }: Record<string, Json>): string[] {
  if (GenerateSecretString !== undefined) {
    const { SecretStringTemplate, GenerateStringKey } = GenerateSecretString as Record<string, string>;
    return [...Object.keys(JSON.parse(SecretStringTemplate as string)), GenerateStringKey as string];
  }
  const text = (SecretString as { 'Fn::Join': [string, Json[]] })['Fn::Join'][1]
    .map((part) => (typeof part === 'string' ? part : 'token'))
    .join('');
  return Object.keys(JSON.parse(text));
}
