import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { bundled } from './bundle.ts';

export interface RotationProps {
  /** Of the function. */
  name: string;
  /** File of infra/rotation, without extension. */
  source: 'database-function' | 'cache-function';
  /** The secret that is rotated. */
  secret: secretsmanager.Secret;
  days: number;
  vpc: ec2.IVpc;
  /** With a way to Secrets Manager and to the store. */
  subnets: ec2.SubnetSelection;
  securityGroup: ec2.ISecurityGroup;
  environment: Readonly<Record<string, string>>;
  logDays: number;
  /** Whether its log outlives its stack. */
  protect: boolean;
}

/** A function that Secrets Manager calls to change a password, on a schedule. */
export class Rotation extends Construct {
  readonly function: lambda.Function;

  constructor(scope: Construct, id: string, props: RotationProps) {
    super(scope, id);
    this.function = new lambda.Function(this, 'function', {
      functionName: props.name,
      description: 'Rotates a password, for Secrets Manager',
      runtime: lambda.Runtime.NODEJS_24_X,
      architecture: lambda.Architecture.ARM_64,
      handler: 'index.handler',
      code: bundled(props.source),
      timeout: Duration.minutes(5),
      memorySize: 256,
      vpc: props.vpc,
      vpcSubnets: props.subnets,
      securityGroups: [props.securityGroup],
      environment: { ...props.environment },
      logGroup: new logs.LogGroup(this, 'log', {
        logGroupName: `/aws/lambda/${props.name}`,
        retention: props.logDays,
        removalPolicy: props.protect ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY,
      }),
    });
    // By hand: the construct's own way gives the function every right on the secret, and a right on all resources.
    const { secretArn, encryptionKey } = props.secret;
    this.allow(
      [
        'secretsmanager:DescribeSecret',
        'secretsmanager:GetSecretValue',
        'secretsmanager:PutSecretValue',
        'secretsmanager:UpdateSecretVersionStage',
      ],
      [secretArn],
    );
    if (encryptionKey) {
      this.allow(['kms:Decrypt', 'kms:GenerateDataKey'], [encryptionKey.keyArn], {
        StringEquals: { 'kms:ViaService': `secretsmanager.${Stack.of(this).region}.amazonaws.com` },
      });
    }
    const permission = new lambda.CfnPermission(this, 'permission', {
      functionName: this.function.functionArn,
      action: 'lambda:InvokeFunction',
      principal: 'secretsmanager.amazonaws.com',
      sourceAccount: Stack.of(this).account,
    });
    const schedule = new secretsmanager.CfnRotationSchedule(this, 'schedule', {
      secretId: secretArn,
      rotationLambdaArn: this.function.functionArn,
      rotationRules: { scheduleExpression: `rate(${props.days} days)` },
      // The users of the database are made by the first deployment of the service, which comes later.
      rotateImmediatelyOnUpdate: false,
    });
    schedule.addResourceDependency(permission);
    schedule.node.addDependency(this.function);
  }

  /** Lets the function do these things, too. */
  allow(actions: readonly string[], resources: readonly string[], conditions: iam.Conditions = {}): void {
    this.function.addToRolePolicy(
      new iam.PolicyStatement({ actions: [...actions], resources: [...resources], conditions }),
    );
  }
}
