import { CfnDeletionPolicy, RemovalPolicy } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as elasticache from 'aws-cdk-lib/aws-elasticache';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';

export interface CacheProps {
  name: string;
  vpc: ec2.IVpc;
  subnets: ec2.SubnetSelection;
  securityGroup: ec2.ISecurityGroup;
  key: kms.IKey;
  /** The user of the service, and its secret {"username", "password"}. */
  user: { username: string; secret: secretsmanager.ISecret };
  port: number;
  version: string;
  nodeType: string;
  /** Copies of the primary; one at least takes over. */
  replicas: number;
  snapshotDays: number;
  logDays: number;
  /** Whether it leaves a snapshot. */
  protect: boolean;
}

/** What the service may do in Redis: every key, no administration. */
const accessOfService = 'on ~* &* +@all -@admin -@dangerous +info';

/** Redis with a copy that takes over, encrypted on disk and on the way, for one user that Redis itself knows. */
export class Cache extends Construct {
  readonly group: elasticache.CfnReplicationGroup;
  readonly userId: string;

  constructor(scope: Construct, id: string, props: CacheProps) {
    super(scope, id);
    const { name, vpc, subnets, user, protect } = props;
    this.userId = `${name}-app`;
    const users = [
      // A group must have a user of this name; this one can do nothing.
      new elasticache.CfnUser(this, 'nobody', {
        engine: 'redis',
        userId: `${name}-default`,
        userName: 'default',
        accessString: 'off -@all',
        authenticationMode: { Type: 'no-password-required' },
      }),
      new elasticache.CfnUser(this, 'user', {
        engine: 'redis',
        userId: this.userId,
        userName: user.username,
        accessString: accessOfService,
        authenticationMode: {
          Type: 'password',
          Passwords: [user.secret.secretValueFromJson('password').unsafeUnwrap()],
        },
      }),
    ];
    const userGroup = new elasticache.CfnUserGroup(this, 'users', {
      engine: 'redis',
      userGroupId: name,
      userIds: users.map(({ ref }) => ref),
    });
    const subnetGroup = new elasticache.CfnSubnetGroup(this, 'subnets', {
      cacheSubnetGroupName: name,
      description: `Subnets of ${name}`,
      subnetIds: vpc.selectSubnets(subnets).subnetIds,
    });
    const log = new logs.LogGroup(this, 'log', {
      logGroupName: `/aws/elasticache/${name}`,
      retention: props.logDays,
      removalPolicy: protect ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY,
    });
    this.group = new elasticache.CfnReplicationGroup(this, 'group', {
      replicationGroupId: name,
      replicationGroupDescription: `Redis of ${name}`,
      engine: 'redis',
      engineVersion: props.version,
      cacheNodeType: props.nodeType,
      numCacheClusters: props.replicas + 1,
      multiAzEnabled: true,
      automaticFailoverEnabled: true,
      atRestEncryptionEnabled: true,
      kmsKeyId: props.key.keyArn,
      transitEncryptionEnabled: true,
      transitEncryptionMode: 'required',
      userGroupIds: [userGroup.ref],
      cacheSubnetGroupName: subnetGroup.ref,
      securityGroupIds: [props.securityGroup.securityGroupId],
      port: props.port,
      autoMinorVersionUpgrade: true,
      snapshotRetentionLimit: props.snapshotDays,
      snapshotWindow: '02:00-03:00',
      preferredMaintenanceWindow: 'sun:07:30-sun:08:30',
      logDeliveryConfigurations: ['slow-log', 'engine-log'].map((logType) => ({
        logType,
        logFormat: 'json',
        destinationType: 'cloudwatch-logs',
        destinationDetails: { cloudWatchLogsDetails: { logGroup: log.logGroupName } },
      })),
    });
    if (protect) {
      this.group.cfnOptions.deletionPolicy = CfnDeletionPolicy.SNAPSHOT;
      this.group.cfnOptions.updateReplacePolicy = CfnDeletionPolicy.SNAPSHOT;
    }
  }

  /** Where clients connect: the primary, whichever node that is. */
  get address(): string {
    return `${this.group.attrPrimaryEndPointAddress}:${this.group.attrPrimaryEndPointPort}`;
  }
}
