import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';

export interface BucketsProps {
  names: { files: string; logs: string; artifacts: string };
  key: kms.IKey;
  /** Files move to Glacier Instant Retrieval then. */
  coldAfterDays: number;
  /** Overwritten and deleted files are kept so long. */
  oldVersionDays: number;
  logDays: number;
  /** Whether buckets outlive their stack; otherwise they are emptied and deleted with it. */
  protect: boolean;
  /** Prefix of the load balancer's logs, and the account and region that it is in. */
  loadBalancerLogs: { prefix: string; account: string; region: string };
}

/** How long uploads that were never completed are kept. */
const incompleteUploadDays = 7;
/** How long logs and artifacts are looked at often enough for Standard. */
const warmDays = 90;
/** What Glacier bills at least: to delete sooner costs the same. */
const glacierDays = 90;

/** Files of the service, access logs, and what builds produce. */
export class Buckets extends Construct {
  readonly #logs: s3.Bucket;

  constructor(scope: Construct, id: string, props: BucketsProps) {
    super(scope, id);
    const { names, key, protect } = props;
    const common = {
      blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
      objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      versioned: true,
      removalPolicy: protect ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY,
      autoDeleteObjects: !protect,
    } satisfies s3.BucketProps;
    const cleanUp = {
      abortIncompleteMultipartUploadAfter: Duration.days(incompleteUploadDays),
      expiredObjectDeleteMarker: true,
    };

    this.#logs = new s3.Bucket(this, 'logs', {
      ...common,
      bucketName: names.logs,
      // The only encryption that load balancers can write with. Source: ELB user guide, "Access logs".
      encryption: s3.BucketEncryption.S3_MANAGED,
      lifecycleRules: [
        cleanUp,
        {
          transitions:
            props.logDays < warmDays + glacierDays
              ? []
              : [{ storageClass: s3.StorageClass.GLACIER, transitionAfter: Duration.days(warmDays) }],
          expiration: Duration.days(props.logDays),
          noncurrentVersionExpiration: Duration.days(1),
        },
      ],
    });
    const encrypted = { ...common, encryption: s3.BucketEncryption.KMS, encryptionKey: key, bucketKeyEnabled: true };
    new s3.Bucket(this, 'files', {
      ...encrypted,
      bucketName: names.files,
      serverAccessLogsBucket: this.#logs,
      serverAccessLogsPrefix: 'files/',
      lifecycleRules: [
        cleanUp,
        {
          transitions: [
            // Instant Retrieval: the service hands files out at any age.
            {
              storageClass: s3.StorageClass.GLACIER_INSTANT_RETRIEVAL,
              transitionAfter: Duration.days(props.coldAfterDays),
            },
          ],
          noncurrentVersionTransitions:
            props.oldVersionDays > 30
              ? [{ storageClass: s3.StorageClass.GLACIER, transitionAfter: Duration.days(30) }]
              : [],
          noncurrentVersionExpiration: Duration.days(props.oldVersionDays),
        },
      ],
    });
    new s3.Bucket(this, 'artifacts', {
      ...encrypted,
      bucketName: names.artifacts,
      serverAccessLogsBucket: this.#logs,
      serverAccessLogsPrefix: 'artifacts/',
      lifecycleRules: [
        cleanUp,
        {
          // A rollback needs what a build of any age has left, at once.
          transitions: [
            {
              storageClass: s3.StorageClass.GLACIER_INSTANT_RETRIEVAL,
              transitionAfter: Duration.days(warmDays),
            },
          ],
          noncurrentVersionExpiration: Duration.days(30),
        },
      ],
    });
    this.#admitLoadBalancer(props.loadBalancerLogs);
  }

  /** Source: ELB user guide, "Enable access logs": the same principal in every region. */
  #admitLoadBalancer({ prefix, account, region }: BucketsProps['loadBalancerLogs']): void {
    this.#logs.addToResourcePolicy(
      new iam.PolicyStatement({
        sid: 'LoadBalancerLogs',
        principals: [new iam.ServicePrincipal('logdelivery.elasticloadbalancing.amazonaws.com')],
        actions: ['s3:PutObject'],
        resources: [this.#logs.arnForObjects(`${prefix}/AWSLogs/${account}/*`)],
        conditions: {
          ArnLike: { 'aws:SourceArn': `arn:aws:elasticloadbalancing:${region}:${account}:loadbalancer/*` },
        },
      }),
    );
  }
}
