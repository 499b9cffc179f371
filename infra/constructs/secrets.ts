import { RemovalPolicy, SecretValue } from 'aws-cdk-lib';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';

export interface SecretsProps {
  /** Entries of Secrets Manager, as the manifests know them. */
  names: {
    endpoints: string;
    databaseMaster: string;
    databaseApp: string;
    databaseAppA: string;
    databaseAppB: string;
    databaseMigrator: string;
    redis: string;
  };
  /** Start of the users' names: lower-case letters, digits and underscores. */
  userPrefix: string;
  key: kms.IKey;
  protect: boolean;
}

type CredentialsName = Exclude<keyof SecretsProps['names'], 'endpoints' | 'databaseApp'>;

/** Users of the data stores, with passwords that nobody has seen. */
export class Secrets extends Construct {
  readonly users: Readonly<Record<CredentialsName, secretsmanager.Secret>>;
  /** The database user whose turn it is: at first A. */
  readonly databaseApp: secretsmanager.Secret;

  readonly #props: SecretsProps;

  constructor(scope: Construct, id: string, props: SecretsProps) {
    super(scope, id);
    this.#props = props;
    const { names, userPrefix } = props;
    const user = (name: CredentialsName, username: string) =>
      new secretsmanager.Secret(this, name, {
        ...this.#common(names[name]),
        generateSecretString: {
          secretStringTemplate: JSON.stringify({ username }),
          generateStringKey: 'password',
          passwordLength: 40,
          excludePunctuation: true,
        },
      });
    this.users = {
      databaseMaster: user('databaseMaster', `${userPrefix}_master`),
      databaseAppA: user('databaseAppA', `${userPrefix}_app_a`),
      databaseAppB: user('databaseAppB', `${userPrefix}_app_b`),
      databaseMigrator: user('databaseMigrator', `${userPrefix}_migrator`),
      redis: user('redis', `${userPrefix}_app`),
    };
    const { databaseAppA } = this.users;
    this.databaseApp = new secretsmanager.Secret(this, 'databaseApp', {
      ...this.#common(names.databaseApp),
      secretObjectValue: {
        username: databaseAppA.secretValueFromJson('username'),
        password: databaseAppA.secretValueFromJson('password'),
      },
    });
  }

  /** Where the data stores are: no secret, but kept with them, so that no manifest names a host. */
  addEndpoints(endpoints: Readonly<Record<string, string>>): secretsmanager.Secret {
    return new secretsmanager.Secret(this, 'endpoints', {
      ...this.#common(this.#props.names.endpoints),
      secretObjectValue: Object.fromEntries(
        Object.entries(endpoints).map(([name, address]) => [name, SecretValue.unsafePlainText(address)]),
      ),
    });
  }

  #common(secretName: string): secretsmanager.SecretProps {
    const { key, protect } = this.#props;
    return {
      secretName,
      encryptionKey: key,
      removalPolicy: protect ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY,
    };
  }
}
