import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as rds from 'aws-cdk-lib/aws-rds';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';

export interface DatabaseProps {
  /** Identifier of the server; the replica's ends in -reader. */
  name: string;
  vpc: ec2.IVpc;
  subnets: ec2.SubnetSelection;
  securityGroup: ec2.ISecurityGroup;
  /** Of storage, backups and insights; a replica inherits it. */
  key: kms.IKey;
  /** {"username", "password"} of the master user. */
  master: { username: string; secret: secretsmanager.ISecret };
  /** PostgreSQL, such as 15.17. */
  version: string;
  /** Without db., such as m7g.large. */
  instanceType: string;
  storageGiB: number;
  storageAtMostGiB: number;
  multiAz: boolean;
  reader: boolean;
  maxConnections: number;
  backupDays: number;
  logDays: number;
  /** Whether it refuses deletion and leaves a snapshot. */
  protect: boolean;
}

const slowStatementMs = 1000;
const monitoringSeconds = 60;
const exportedLogs = ['postgresql', 'upgrade'];

/** PostgreSQL that speaks TLS only, with a standby and a replica where asked for. */
export class Database extends Construct {
  readonly writer: rds.DatabaseInstance;
  readonly reader: rds.DatabaseInstanceReadReplica | undefined;

  constructor(scope: Construct, id: string, props: DatabaseProps) {
    super(scope, id);
    const { name, vpc, subnets, key, version, protect } = props;
    const engine = rds.DatabaseInstanceEngine.postgres({
      version: rds.PostgresEngineVersion.of(version, version.split('.')[0] as string),
    });
    const removalPolicy = protect ? RemovalPolicy.SNAPSHOT : RemovalPolicy.DESTROY;
    const common = {
      vpc,
      instanceType: new ec2.InstanceType(props.instanceType),
      subnetGroup: new rds.SubnetGroup(this, 'subnets', {
        vpc,
        vpcSubnets: subnets,
        description: `Subnets of ${name}`,
        subnetGroupName: name,
        removalPolicy: protect ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY,
      }),
      securityGroups: [props.securityGroup],
      parameterGroup: new rds.ParameterGroup(this, 'parameters', {
        engine,
        description: `Parameters of ${name}`,
        parameters: {
          'rds.force_ssl': '1',
          password_encryption: 'scram-sha-256',
          max_connections: String(props.maxConnections),
          log_min_duration_statement: String(slowStatementMs),
          log_lock_waits: '1',
        },
      }),
      publiclyAccessible: false,
      storageType: rds.StorageType.GP3,
      maxAllocatedStorage: props.storageAtMostGiB,
      caCertificate: rds.CaCertificate.RDS_CA_RSA2048_G1,
      monitoringInterval: Duration.seconds(monitoringSeconds),
      monitoringRole: this.#monitoringRole(),
      enablePerformanceInsights: true,
      performanceInsightRetention: rds.PerformanceInsightRetention.DEFAULT,
      performanceInsightEncryptionKey: key,
      databaseInsightsMode: rds.DatabaseInsightsMode.STANDARD,
      cloudwatchLogsExports: exportedLogs,
      autoMinorVersionUpgrade: true,
      copyTagsToSnapshot: true,
      deletionProtection: protect,
    } satisfies Partial<rds.DatabaseInstanceProps>;
    /** Before the instance, which else makes groups of this name that keep their logs for ever. */
    const logsOf = (instance: Construct, identifier: string) => {
      for (const log of exportedLogs) {
        const group = new logs.LogGroup(this, `${instance.node.id}-${log}`, {
          logGroupName: `/aws/rds/instance/${identifier}/${log}`,
          retention: props.logDays,
          removalPolicy: protect ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY,
        });
        instance.node.addDependency(group);
      }
    };

    this.writer = new rds.DatabaseInstance(this, 'writer', {
      ...common,
      instanceIdentifier: name,
      engine,
      allocatedStorage: props.storageGiB,
      storageEncrypted: true,
      storageEncryptionKey: key,
      multiAz: props.multiAz,
      credentials: rds.Credentials.fromPassword(
        props.master.username,
        props.master.secret.secretValueFromJson('password'),
      ),
      backupRetention: Duration.days(props.backupDays),
      deleteAutomatedBackups: !protect,
      preferredBackupWindow: '03:00-04:00',
      preferredMaintenanceWindow: 'sun:04:30-sun:05:30',
      removalPolicy,
    });
    logsOf(this.writer, name);
    if (!props.reader) return;
    this.reader = new rds.DatabaseInstanceReadReplica(this, 'reader', {
      ...common,
      instanceIdentifier: `${name}-reader`,
      sourceDatabaseInstance: this.writer,
      // Neither backups nor encryption of its own: both are its source's.
      preferredMaintenanceWindow: 'sun:06:00-sun:07:00',
      removalPolicy: RemovalPolicy.DESTROY,
    });
    logsOf(this.reader, `${name}-reader`);
  }

  #monitoringRole(): iam.Role {
    return new iam.Role(this, 'monitoring', {
      assumedBy: new iam.ServicePrincipal('monitoring.rds.amazonaws.com'),
      managedPolicies: [iam.ManagedPolicy.fromAwsManagedPolicyName('service-role/AmazonRDSEnhancedMonitoringRole')],
    });
  }
}
