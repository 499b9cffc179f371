import { ArnFormat, CfnWaitConditionHandle, RemovalPolicy } from 'aws-cdk-lib';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as route53 from 'aws-cdk-lib/aws-route53';
import * as ssm from 'aws-cdk-lib/aws-ssm';
import * as wafv2 from 'aws-cdk-lib/aws-wafv2';
import type { Construct } from 'constructs';
import { certificateParameter, webAclLogGroup, webAclName, zoneParameter } from '../../config/aws-names.ts';
import { uploadPath, visible, webAclRules } from '../constructs/web-acl-rules.ts';
import type { AwsEnvironment } from '../environment.ts';
import { EnvironmentStack } from './base.ts';

/** What stands before the load balancer: web ACL, and with a domain its zone and certificate. The Ingress finds both by name. */
export class EdgeStack extends EnvironmentStack {
  constructor(scope: Construct, environment: AwsEnvironment) {
    super(scope, 'edge', environment, 'Web ACL, certificate, hosted zone');
    const { aws, loadBalancer } = environment;
    if (loadBalancer.webAcl) this.#webAcl(environment);
    if (aws.zone !== undefined) this.#domain(environment, aws.zone);
    // A stack cannot be empty, and one that is no longer named would stay as it was: so it holds something that does nothing.
    if (!loadBalancer.webAcl && aws.zone === undefined) new CfnWaitConditionHandle(this, 'nothing');
  }

  #domain(environment: AwsEnvironment, { name: zoneName, id }: NonNullable<AwsEnvironment['aws']['zone']>): void {
    const zone =
      id === undefined
        ? this.#newZone(environment, zoneName)
        : route53.HostedZone.fromHostedZoneAttributes(this, 'zone', { zoneName, hostedZoneId: id });
    const domainName = environment.loadBalancer.domain as string;
    const certificate = new acm.Certificate(this, 'certificate', {
      domainName,
      validation: acm.CertificateValidation.fromDns(zone),
    });
    const parameter = certificateParameter(environment);
    this.#tell(parameter, 'certificate-arn', `ARN of the certificate of ${domainName}`, certificate.certificateArn);
  }

  #newZone(environment: AwsEnvironment, zoneName: string): route53.IHostedZone {
    const zone = new route53.PublicHostedZone(this, 'zone', { zoneName });
    // ACM and external-dns write records into it that no stack knows: with them it could not be deleted, and the delegation is worth keeping.
    zone.applyRemovalPolicy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE);
    this.#tell(zoneParameter(environment), 'zone-id', `Id of the hosted zone ${zoneName}`, zone.hostedZoneId);
    return zone;
  }

  /** To a later stack. Not by an export: one that is still used could be neither replaced nor taken away together with the zone. */
  #tell(parameterName: string, id: string, description: string, stringValue: string): void {
    new ssm.StringParameter(this, id, { parameterName, description, stringValue });
  }

  #webAcl(environment: AwsEnvironment): void {
    const { aws } = environment;
    const name = webAclName(environment);
    const acl = new wafv2.CfnWebACL(this, 'web-acl', {
      name,
      description: `Before the load balancer of ${name}`,
      scope: 'REGIONAL',
      defaultAction: { allow: {} },
      visibilityConfig: visible(name),
      rules: webAclRules({ requestsPerFiveMinutes: aws.requestsPerFiveMinutes, uploadPath }),
    });
    const log = new logs.LogGroup(this, 'web-acl-log', {
      logGroupName: webAclLogGroup(environment),
      retention: aws.logDays,
      removalPolicy: aws.protectData ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY,
    });
    new wafv2.CfnLoggingConfiguration(this, 'web-acl-logging', {
      resourceArn: acl.attrArn,
      // WAF refuses the ARN with :* at its end that CloudFormation gives.
      logDestinationConfigs: [
        this.formatArn({
          service: 'logs',
          resource: 'log-group',
          resourceName: log.logGroupName,
          arnFormat: ArnFormat.COLON_RESOURCE_NAME,
        }),
      ],
      redactedFields: ['x-api-key', 'cookie', 'authorization'].map((header) => ({ singleHeader: { Name: header } })),
    });
  }
}
