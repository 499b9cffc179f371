import { Arn, ArnFormat, RemovalPolicy } from 'aws-cdk-lib';
import * as kms from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import {
  artifactsBucket,
  cacheName,
  databaseServerName,
  filesBucket,
  loadBalancerLogsPrefix,
  logsBucket,
  prefix,
  secretNames,
} from '../../config/aws-names.ts';
import { databaseName } from '../../config/database-names.ts';
import { Buckets } from '../constructs/buckets.ts';
import { Cache } from '../constructs/cache.ts';
import { Database } from '../constructs/database.ts';
import { Rotation, type RotationProps } from '../constructs/rotation.ts';
import { Secrets } from '../constructs/secrets.ts';
import { type AwsEnvironment, ports } from '../environment.ts';
import { EnvironmentStack } from './base.ts';
import type { NetworkStack } from './network.ts';

/** What must not be lost: database, cache, files, and the credentials for them. */
export class DataStack extends EnvironmentStack {
  readonly key: kms.Key;

  constructor(scope: Construct, environment: AwsEnvironment, network: NetworkStack) {
    super(scope, 'data', environment, 'PostgreSQL, Redis, buckets, secrets and their rotation');
    const { aws, service, accountId: account, region } = environment;
    const { vpc, groups } = network;
    const name = prefix(environment);
    const protect = aws.protectData;
    const subnets = vpc.tier('database');
    // As the bootstrap calls them.
    const userPrefix = databaseName(service);

    this.key = new kms.Key(this, 'key', {
      alias: `${name}-data`,
      description: `Data of ${name} at rest`,
      enableKeyRotation: true,
      removalPolicy: protect ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY,
    });
    new Buckets(this, 'buckets', {
      names: {
        files: filesBucket(environment),
        logs: logsBucket(environment),
        artifacts: artifactsBucket(environment),
      },
      key: this.key,
      ...aws.files,
      logDays: aws.logBucketDays,
      protect,
      loadBalancerLogs: { prefix: loadBalancerLogsPrefix, account, region },
    });
    const names = secretNames(environment);
    const secrets = new Secrets(this, 'secrets', { names, userPrefix, key: this.key, protect });
    const { users, databaseApp } = secrets;

    const database = new Database(this, 'database', {
      ...aws.database,
      ...environment.database,
      name: databaseServerName(environment),
      vpc,
      subnets,
      securityGroup: groups.database,
      key: this.key,
      master: { username: `${userPrefix}_master`, secret: users.databaseMaster },
      logDays: aws.logDays,
      protect,
    });
    const cache = new Cache(this, 'cache', {
      ...aws.cache,
      name: cacheName(environment),
      vpc,
      subnets,
      securityGroup: groups.cache,
      key: this.key,
      user: { username: `${userPrefix}_app`, secret: users.redis },
      port: ports.redis,
      logDays: aws.logDays,
      protect,
    });
    const { writer, reader } = database;
    secrets.addEndpoints({
      writer: writer.instanceEndpoint.socketAddress,
      ...(reader === undefined ? {} : { reader: reader.instanceEndpoint.socketAddress }),
      redis: cache.address,
    });

    const rotation = (id: string, props: Pick<RotationProps, 'source' | 'secret' | 'environment'>) =>
      new Rotation(this, id, {
        ...props,
        name: `${name}-${id}`,
        days: aws.rotationDays,
        vpc,
        subnets: vpc.tier('private'),
        securityGroup: groups.rotation,
        logDays: aws.logDays,
        protect,
      });
    const ofDatabase = rotation('rotate-database', {
      source: 'database-function',
      secret: databaseApp,
      environment: {
        MASTER_SECRET: names.databaseMaster,
        USER_A_SECRET: names.databaseAppA,
        USER_B_SECRET: names.databaseAppB,
        DATABASE_HOST: writer.instanceEndpoint.hostname,
        DATABASE_PORT: String(ports.postgres),
        DATABASE_NAME: databaseName(service),
      },
    });
    const read = 'secretsmanager:GetSecretValue';
    ofDatabase.allow([read], [users.databaseMaster.secretArn]);
    ofDatabase.allow(
      [read, 'secretsmanager:PutSecretValue'],
      [users.databaseAppA.secretArn, users.databaseAppB.secretArn],
    );

    const ofCache = rotation('rotate-cache', {
      source: 'cache-function',
      secret: users.redis,
      environment: {
        CACHE_USER_ID: cache.userId,
        CACHE_HOST: cache.group.attrPrimaryEndPointAddress,
        CACHE_PORT: String(ports.redis),
      },
    });
    ofCache.allow(
      ['elasticache:DescribeUsers', 'elasticache:ModifyUser'],
      [
        Arn.format(
          {
            service: 'elasticache',
            resource: 'user',
            resourceName: cache.userId,
            arnFormat: ArnFormat.COLON_RESOURCE_NAME,
          },
          this,
        ),
      ],
    );
  }
}
