import { ApiObject } from 'cdk8s';
import { k8s } from 'cdk8s-plus-28';
import { Construct } from 'constructs';
import { type Identity, labels } from './labels.ts';

export interface SecretSourceProps {
  namespace: string;
  identity: Identity;
  region: string;
}

/** AWS Secrets Manager as a source. It has no credential of its own: the operator's role is what may read. */
export class SecretSource extends Construct {
  readonly sourceName: string;

  constructor(scope: Construct, id: string, { namespace, identity, region }: SecretSourceProps) {
    super(scope, id);
    this.sourceName = identity.name;
    new ApiObject(this, 'store', {
      apiVersion: 'external-secrets.io/v1',
      kind: 'SecretStore',
      metadata: { namespace, name: this.sourceName, labels: labels(identity) },
      spec: { provider: { aws: { service: 'SecretsManager', region } } },
    });
  }
}

export interface FetchedSecretProps {
  namespace: string;
  identity: Identity;
  /** Of the Secret that is made. */
  name: string;
  sourceName: string;
  /** Short name → entry of Secrets Manager, a JSON object. */
  entries: Readonly<Record<string, string>>;
  /** Key of the Secret → text, in which `{{ .short_member }}` stands for a member of an entry. */
  texts: Readonly<Record<string, string>>;
}

/** A rotated password reaches the pods within this, and the one before it is valid for longer. */
const refreshInterval = '1m0s';

/** A Secret that the External Secrets operator keeps equal to entries of Secrets Manager. */
export class FetchedSecret extends Construct {
  constructor(
    scope: Construct,
    id: string,
    { namespace, identity, name, sourceName, entries, texts }: FetchedSecretProps,
  ) {
    super(scope, id);
    new ApiObject(this, 'secret', {
      apiVersion: 'external-secrets.io/v1',
      kind: 'ExternalSecret',
      metadata: { namespace, name, labels: labels(identity) },
      spec: {
        refreshInterval,
        secretStoreRef: { kind: 'SecretStore', name: sourceName },
        target: {
          name,
          creationPolicy: 'Owner',
          template: { engineVersion: 'v2', data: texts },
        },
        dataFrom: Object.entries(entries).map(([short, key]) => ({
          extract: { key },
          rewrite: [{ regexp: { source: '(.*)', target: `${short}_$1` } }],
        })),
      },
    });
  }
}

/** A Secret with its values written down: for throwaway credentials of a laptop, and nothing else. */
export class ThrowawaySecret extends Construct {
  constructor(
    scope: Construct,
    id: string,
    {
      namespace,
      identity,
      name,
      texts,
    }: { namespace: string; identity: Identity; name: string; texts: Readonly<Record<string, string>> },
  ) {
    super(scope, id);
    new k8s.KubeSecret(this, 'secret', {
      metadata: { namespace, name, labels: labels(identity) },
      type: 'Opaque',
      stringData: texts,
    });
  }
}
