import { Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';

export interface WebIdentityProps {
  /** Of the cluster. */
  provider: iam.IOpenIdConnectProvider;
  /** Service account of the pods; made, and given the ARN of the role, by somebody else. */
  namespace: string;
  serviceAccount: string;
}

/** A role that the pods of one service account get by OpenID Connect, where no agent hands roles out. It may do nothing yet. */
export class WebIdentity extends Construct {
  readonly role: iam.Role;

  constructor(scope: Construct, id: string, { provider, namespace, serviceAccount }: WebIdentityProps) {
    super(scope, id);
    this.role = new iam.Role(this, 'role', {
      assumedBy: new iam.WebIdentityPrincipal(provider.openIdConnectProviderArn),
      description: `Pods of ${namespace}/${serviceAccount}`,
    });
    const issuer = provider.openIdConnectProviderIssuer;
    const trust = {
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Action: 'sts:AssumeRoleWithWebIdentity',
          Principal: { Federated: provider.openIdConnectProviderArn },
          Condition: {
            StringEquals: {
              [`${issuer}:aud`]: 'sts.amazonaws.com',
              [`${issuer}:sub`]: `system:serviceaccount:${namespace}:${serviceAccount}`,
            },
          },
        },
      ],
    };
    // As text: the issuer is known when the cluster is there, and the keys of an object cannot be put together then.
    (this.role.node.defaultChild as iam.CfnRole).assumeRolePolicyDocument = Stack.of(this).toJsonString(trust);
  }
}
