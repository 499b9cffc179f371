import { accountId, adminRoleArns, allowedCidrs } from '../../config/account.ts';
import { defineEnvironment, valuesOf } from '../../config/environment.ts';
import { environmentNamed } from '../../config/environments.ts';
import { alertmanagerConfig } from '../../observability/alertmanager.ts';
import { merged } from './support/merge.ts';
import { idOf, ofType, only, propertiesOf, statements, type Template, template } from './support/templates.ts';

const production = template('production', 'cluster');
const staging = template('staging', 'cluster');
const both = [
  ['production', production],
  ['staging', staging],
] as const;

const volumeKey = { 'Fn::GetAtt': [expect.stringMatching(/^volumekey/), 'Arn'] };
/** A reference in a manifest: the attribute of the volumes' key, or any other. */
const named = (part: unknown): string => (/"volumekey\w+","Arn"/.test(JSON.stringify(part)) ? 'volumekeyArn' : 'token');

/** The manifests that the CDK applies, by kind and name. */
function manifests(of: Template): Map<string, Record<string, never>> {
  const lists = propertiesOf(of, 'Custom::AWSCDK-EKS-KubernetesResource').map(({ Manifest }) =>
    JSON.parse(
      typeof Manifest === 'string'
        ? Manifest
        : (Manifest as { 'Fn::Join': [string, unknown[]] })['Fn::Join'][1]
            .map((part) => (typeof part === 'string' ? part : named(part)))
            .join(''),
    ),
  );
  return new Map(lists.flat().map((each) => [`${each.kind}/${each.metadata.name}`, each]));
}

describe.each(both)('the cluster of %s', (name, of) => {
  it('C1 is EKS 1.35 whose endpoint admits only the allowed ranges', () => {
    expect(only(of, 'AWS::EKS::Cluster')).toMatchObject({
      Name: `slipway-${name}`,
      Version: '1.35',
      AccessConfig: { AuthenticationMode: 'API' },
      EncryptionConfig: [
        { Resources: ['secrets'], Provider: { KeyArn: { 'Fn::GetAtt': [expect.stringMatching(/^key/), 'Arn'] } } },
      ],
      ResourcesVpcConfig: {
        EndpointPublicAccess: true,
        EndpointPrivateAccess: true,
        PublicAccessCidrs: allowedCidrs,
      },
    });
    const types = (only(of, 'AWS::EKS::Cluster').Logging as { ClusterLogging: { EnabledTypes: { Type: string }[] } })
      .ClusterLogging.EnabledTypes;
    expect(types.map(({ Type }) => Type).sort()).toEqual([
      'api',
      'audit',
      'authenticator',
      'controllerManager',
      'scheduler',
    ]);
  });

  it('runs the functions of the CDK that speak to the API server in private subnets, in the cluster’s own group', () => {
    const inside = propertiesOf(of, 'AWS::Lambda::Function').filter(({ VpcConfig }) => VpcConfig !== undefined);
    expect(inside.length).toBeGreaterThan(0);
    for (const { VpcConfig } of inside) {
      expect(JSON.stringify(VpcConfig)).toContain('"ClusterSecurityGroupId"');
      expect(JSON.stringify(VpcConfig).match(/privateSubnet\dSubnet/g)).toHaveLength(2);
    }
  });

  it('C1 is administered by who is named, not by everybody in the account', () => {
    const entries = propertiesOf(of, 'AWS::EKS::AccessEntry').map(
      ({ PrincipalArn }) => idOf(PrincipalArn) ?? PrincipalArn,
    );
    expect(entries.sort()).toEqual([
      ...[...adminRoleArns].sort(),
      expect.stringMatching(/^clusterKubectlProviderHandlerServiceRole/), // by which the CDK installs charts
      expect.stringMatching(/^clusterkarpenternoderole/),
    ]);
    for (const { AssumeRolePolicyDocument } of propertiesOf(of, 'AWS::IAM::Role')) {
      expect(JSON.stringify(AssumeRolePolicyDocument)).not.toContain(':root');
    }
  });

  it('C1 C2 has a base of nodes with IMDSv2, hop limit 1 and encrypted disks, in both zones', () => {
    expect(only(of, 'AWS::EKS::Nodegroup')).toMatchObject({
      CapacityType: name === 'production' ? 'ON_DEMAND' : 'SPOT',
      InstanceTypes: name === 'production' ? ['m7i.large', 'm6i.large'] : ['t3.large', 't3a.large'],
      ScalingConfig: { MinSize: 2, DesiredSize: 2, MaxSize: 3 },
      AmiType: 'AL2023_x86_64_STANDARD',
    });
    expect(JSON.stringify(only(of, 'AWS::EKS::Nodegroup').Subnets).match(/privateSubnet\dSubnet/g)).toHaveLength(2);
    const data = only(of, 'AWS::EC2::LaunchTemplate').LaunchTemplateData as Record<string, unknown>;
    expect(data).toMatchObject({
      MetadataOptions: { HttpTokens: 'required', HttpPutResponseHopLimit: 1 },
      BlockDeviceMappings: [
        { DeviceName: '/dev/xvda', Ebs: { Encrypted: true, KmsKeyId: volumeKey, VolumeType: 'gp3', VolumeSize: 50 } },
      ],
    });
    expect(JSON.stringify(data.SecurityGroupIds)).toContain('groupsnodes');
  });

  it('C1 C2 C8 lets Karpenter add Spot nodes of the same kind, and remove them when they are idle', () => {
    const made = manifests(of);
    expect(made.get('EC2NodeClass/default-ec2nodeclass')).toMatchObject({
      spec: {
        metadataOptions: { httpTokens: 'required', httpPutResponseHopLimit: 1, httpProtocolIPv6: 'disabled' },
        blockDeviceMappings: [
          { ebs: { encrypted: true, kmsKeyID: 'volumekeyArn', volumeType: 'gp3', volumeSize: '50Gi' } },
        ],
        subnetSelectorTerms: [{ tags: { 'karpenter.sh/discovery': `slipway-${name}` } }],
        securityGroupSelectorTerms: [{ id: 'token' }],
      },
    });
    expect(made.get('NodePool/default-nodepool')).toMatchObject({
      spec: {
        limits: { cpu: name === 'production' ? 20 : 8 },
        disruption: {
          consolidationPolicy: 'WhenEmptyOrUnderutilized',
          consolidateAfter: name === 'production' ? '5m' : '1m',
        },
        template: {
          spec: {
            requirements: expect.arrayContaining([
              { key: 'karpenter.sh/capacity-type', operator: 'In', values: ['spot'] },
            ]),
          },
        },
      },
    });
  });

  it('C2 tells Karpenter of all four kinds of interruption, over TLS', () => {
    const kinds = propertiesOf(of, 'AWS::Events::Rule').map(
      ({ EventPattern }) => (EventPattern as { 'detail-type': string[] })['detail-type'][0],
    );
    expect(kinds.sort()).toEqual([
      'AWS Health Event',
      'EC2 Instance Rebalance Recommendation',
      'EC2 Instance State-change Notification',
      'EC2 Spot Instance Interruption Warning',
    ]);
    const [queue] = Object.keys(ofType(of, 'AWS::SQS::Queue'));
    for (const { Targets } of propertiesOf(of, 'AWS::Events::Rule'))
      expect((Targets as { Arn: never }[]).map(({ Arn }) => idOf(Arn))).toEqual([queue]);
    expect(JSON.stringify(only(of, 'AWS::SQS::QueuePolicy'))).toContain('{"aws:SecureTransport":"false"}');
  });

  it('R6 pins every add-on and chart', () => {
    const addOns = Object.fromEntries(propertiesOf(of, 'AWS::EKS::Addon').map((p) => [p.AddonName, p.AddonVersion]));
    expect(Object.keys(addOns).sort()).toEqual([
      'amazon-cloudwatch-observability',
      'aws-ebs-csi-driver',
      'coredns',
      'eks-pod-identity-agent',
      'kube-proxy',
      'vpc-cni',
    ]);
    for (const version of Object.values(addOns)) expect(version).toMatch(/^v\d+\.\d+\.\d+-eksbuild\.\d+$/);
    const charts = Object.fromEntries(
      propertiesOf(of, 'Custom::AWSCDK-EKS-HelmChart').map((p) => [p.Chart, p.Version]),
    );
    expect(Object.keys(charts).sort()).toEqual([
      'aws-load-balancer-controller',
      'external-secrets',
      'karpenter',
      'karpenter-crd',
      'kube-prometheus-stack',
      'metrics-server',
    ]);
    for (const version of Object.values(charts)) expect(version).toMatch(/^\d+\.\d+\.\d+$/);
  });

  it('has network policies enforced, and default volumes encrypted', () => {
    const [cni] = propertiesOf(of, 'AWS::EKS::Addon').filter(({ AddonName }) => AddonName === 'vpc-cni');
    expect(JSON.parse(String(cni?.ConfigurationValues))).toMatchObject({ enableNetworkPolicy: 'true' });
    expect(manifests(of).get('StorageClass/gp3')).toMatchObject({
      metadata: { annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
      parameters: { type: 'gp3', encrypted: 'true', kmsKeyId: 'volumekeyArn' },
    });
  });

  it('D2 disks and volumes have a key of our own, which who may use EBS may use through EBS only', () => {
    const [id] = Object.keys(ofType(of, 'AWS::KMS::Key')).filter((each) => each.startsWith('volumekey'));
    const key = of.Resources[id as string]?.Properties as Record<string, unknown>;
    expect(key.EnableKeyRotation).toBe(true);
    const { Statement } = key.KeyPolicy as { Statement: Record<string, unknown>[] };
    expect(Statement.filter(({ Principal }) => JSON.stringify(Principal) === '{"AWS":"*"}')).toEqual([
      expect.objectContaining({
        Condition: {
          StringEquals: { 'kms:CallerAccount': accountId, 'kms:ViaService': 'ec2.us-east-1.amazonaws.com' },
        },
      }),
    ]);
  });

  it('R1 tags what controllers make: load balancers, volumes, nodes', () => {
    const tags = { service: 'slipway', environment: name };
    const [driver] = propertiesOf(of, 'AWS::EKS::Addon').filter((p) => p.AddonName === 'aws-ebs-csi-driver');
    expect(JSON.parse(String(driver?.ConfigurationValues))).toEqual({ controller: { extraVolumeTags: tags } });
    expect(manifests(of).get('EC2NodeClass/default-ec2nodeclass')).toMatchObject({ spec: { tags } });
    const [chart] = propertiesOf(of, 'Custom::AWSCDK-EKS-HelmChart').filter(
      ({ Chart }) => Chart === 'aws-load-balancer-controller',
    );
    expect(JSON.stringify(chart?.Values)).toContain(
      `\\"defaultTags\\":${JSON.stringify(JSON.stringify(tags)).slice(1, -1)}`,
    );
  });

  it('O6 has Container Insights', () => {
    const associations = propertiesOf(of, 'AWS::EKS::PodIdentityAssociation').map(
      (p) => `${p.Namespace}/${p.ServiceAccount}`,
    );
    expect(associations).toContain('amazon-cloudwatch/cloudwatch-agent');
  });

  it('C1 has nothing of Fargate unless it is asked for, and no namespace that is in use can be put there', () => {
    expect(Object.keys(ofType(of, 'AWS::EKS::FargateProfile'))).toEqual([]);
    expect(JSON.stringify(of)).not.toMatch(/SecurityGroupPolicy|AssumeRoleWithWebIdentity|fargate-/);
    const used = [
      ...Object.values(of.Resources).map(({ Properties }) => Properties?.Namespace),
      ...[...manifests(of).values()].map(({ metadata }) => (metadata as unknown as { namespace?: string }).namespace),
    ].filter((each) => typeof each === 'string');
    expect([...new Set(used)].sort()).toEqual([
      'amazon-cloudwatch',
      'external-secrets',
      'kube-system',
      'monitoring',
      'slipway',
    ]);
    for (const each of used) {
      const values = merged(valuesOf(environmentNamed(name)), { aws: { cluster: { fargateNamespaces: [each] } } });
      expect(() => defineEnvironment(values as never)).toThrow(`aws.cluster.fargateNamespaces ${each} is`);
    }
  });

  it('D11 gives pods their role by Pod Identity: no key, no annotation, no identity provider', () => {
    expect(
      propertiesOf(of, 'AWS::EKS::PodIdentityAssociation')
        .map((p) => `${p.Namespace}/${p.ServiceAccount}`)
        .sort(),
    ).toEqual([
      'amazon-cloudwatch/cloudwatch-agent',
      'external-secrets/external-secrets-sa',
      'kube-system/aws-load-balancer-controller',
      'kube-system/blueprints-addon-karpenter',
      'kube-system/ebs-csi-controller-sa',
      'monitoring/alertmanager',
      'slipway/slipway',
    ]);
    expect(Object.values(of.Resources).filter(({ Type }) => /OIDCProvider|OpenIdConnect/i.test(Type))).toEqual([]);
    const accounts: { name: string; annotations?: object }[] = [...manifests(of).values()]
      .filter(({ kind }) => kind === 'ServiceAccount')
      .map(({ metadata }) => metadata as never);
    expect(accounts.map(({ name }) => name).sort()).toEqual([
      'aws-load-balancer-controller',
      'cloudwatch-agent',
      'ebs-csi-controller-sa',
      'external-secrets-sa',
    ]);
    expect(accounts.flatMap(({ annotations = {} }) => Object.keys(annotations))).toEqual([]);
    // Nor in the values of a chart or add-on, by which the accounts of the others are made.
    expect(JSON.stringify(of)).not.toContain('eks.amazonaws.com/role-arn');
  });

  it('O3 gives Alertmanager its configuration, and the right to send to the two topics of the alarms alone', () => {
    const [chart] = propertiesOf(of, 'Custom::AWSCDK-EKS-HelmChart').filter(
      ({ Chart }) => Chart === 'kube-prometheus-stack',
    );
    const topic = (severity: string) => `arn:aws:sns:us-east-1:${accountId}:slipway-${name}-${severity}`;
    expect(JSON.parse(String(chart?.Values))).toMatchObject({
      alertmanager: {
        serviceAccount: { name: 'alertmanager' },
        config: alertmanagerConfig({
          topics: { page: topic('page'), ticket: topic('ticket') },
          region: 'us-east-1',
          from: `slipway-${name}`,
        }),
      },
    });
    const inSns = { StringEquals: { 'kms:ViaService': 'sns.us-east-1.amazonaws.com' } };
    expect(statements(of, /^alertsenderrole/)).toEqual([
      expect.objectContaining({
        Action: 'sns:Publish',
        Resource: ['page', 'ticket'].map((severity) => ({
          'Fn::ImportValue': expect.stringMatching(new RegExp(`-operations:ExportsOutputRef${severity}`)),
        })),
      }),
      expect.objectContaining({ Action: ['kms:Decrypt', 'kms:GenerateDataKey'], Condition: inSns }),
    ]);
  });

  it('D11 lets the service have its files and nothing else', () => {
    const allowed = statements(of, /^workloadrole/);
    const bucket = `arn:aws:s3:::slipway-${name}-files-${accountId}`;
    expect(allowed).toEqual([
      expect.objectContaining({
        Resource: `${bucket}/*`,
        Action: ['s3:AbortMultipartUpload', 's3:DeleteObject', 's3:GetObject', 's3:PutObject'],
      }),
      expect.objectContaining({ Resource: bucket, Action: 's3:ListBucket' }),
      expect.objectContaining({
        Resource: { 'Fn::ImportValue': expect.stringContaining('key') },
        Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
        Condition: { StringEquals: { 'kms:ViaService': 's3.us-east-1.amazonaws.com' } },
      }),
    ]);
  });

  it('D6 lets External Secrets read the entries of this environment only', () => {
    const allowed = statements(of, /externalsecrets/);
    expect(allowed.flatMap(({ Action }) => Action)).toEqual([
      'secretsmanager:DescribeSecret',
      'secretsmanager:GetSecretValue',
      'kms:Decrypt',
    ]);
    expect(JSON.stringify(allowed[0]?.Resource)).toContain(`secret:slipway/${name}/*`);
  });

  it('E6 lets the load balancer controller find the web ACL that an Ingress names', () => {
    const actions = statements(of, /awsloadbalancercontroller/).flatMap(({ Action }) => Action);
    expect(actions).toEqual(expect.arrayContaining(['wafv2:ListWebACLs', 'wafv2:AssociateWebACL', 'wafv2:GetWebACL']));
    const [chart] = propertiesOf(of, 'Custom::AWSCDK-EKS-HelmChart').filter(
      ({ Chart }) => Chart === 'aws-load-balancer-controller',
    );
    expect(JSON.stringify(chart?.Values)).toContain('\\"enableWafv2\\":true');
  });

  it('installs charts only where nodes can run them', () => {
    const [group] = Object.keys(ofType(of, 'AWS::EKS::Nodegroup'));
    const [volumes] = Object.entries(ofType(of, 'Custom::AWSCDK-EKS-KubernetesResource'))
      .filter(([, { Properties }]) => JSON.stringify(Properties.Manifest).includes('StorageClass'))
      .map(([id]) => id);
    for (const [id, { DependsOn }] of Object.entries(ofType(of, 'Custom::AWSCDK-EKS-HelmChart'))) {
      for (const need of [group, volumes])
        expect({ id, need, waits: [DependsOn].flat().includes(need) }).toEqual({ id, need, waits: true });
    }
  });
});
