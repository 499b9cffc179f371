import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  ResourceNotFoundException,
  type SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';

/** A user of a data store, as its secret holds it. */
export interface Credentials {
  username: string;
  password: string;
}

type Stage = 'AWSCURRENT' | 'AWSPENDING';

/** Versions of secrets that hold credentials. */
export class SecretVersions {
  readonly #client: SecretsManagerClient;

  constructor(client: SecretsManagerClient) {
    this.#client = client;
  }

  /** Version ids and the stages that each has. */
  async stages(secret: string): Promise<Record<string, readonly string[]>> {
    const { VersionIdsToStages } = await this.#client.send(new DescribeSecretCommand({ SecretId: secret }));
    return VersionIdsToStages ?? {};
  }

  async current(secret: string): Promise<Credentials> {
    const found = await this.#read(secret, 'AWSCURRENT');
    if (found === undefined) throw new Error(`The secret ${secret} has no current version.`);
    return found;
  }

  /** What this rotation has written; undefined before it has. */
  async pending(secret: string, version: string): Promise<Credentials | undefined> {
    return this.#read(secret, 'AWSPENDING', version);
  }

  /** A second call with the same version and value changes nothing. */
  async putPending(secret: string, version: string, credentials: Credentials): Promise<void> {
    await this.#put(secret, credentials, 'AWSPENDING', version);
  }

  async replace(secret: string, credentials: Credentials): Promise<void> {
    await this.#put(secret, credentials, 'AWSCURRENT');
  }

  /** Makes the pending version the current one. */
  async promote(secret: string, version: string): Promise<void> {
    const current = Object.entries(await this.stages(secret)).find(([, stages]) => stages.includes('AWSCURRENT'))?.[0];
    if (current === version) return;
    await this.#client.send(
      new UpdateSecretVersionStageCommand({
        SecretId: secret,
        VersionStage: 'AWSCURRENT',
        MoveToVersionId: version,
        RemoveFromVersionId: current,
      }),
    );
  }

  async #read(secret: string, stage: Stage, version?: string): Promise<Credentials | undefined> {
    try {
      const { SecretString } = await this.#client.send(
        new GetSecretValueCommand({ SecretId: secret, VersionStage: stage, VersionId: version }),
      );
      const { username, password } = JSON.parse(SecretString ?? '{}') as Partial<Credentials>;
      if (!username || !password) throw new Error(`The secret ${secret} lacks username or password.`);
      return { username, password };
    } catch (error) {
      if (error instanceof ResourceNotFoundException && stage === 'AWSPENDING') return undefined;
      throw error;
    }
  }

  async #put(secret: string, { username, password }: Credentials, stage: Stage, version?: string): Promise<void> {
    await this.#client.send(
      new PutSecretValueCommand({
        SecretId: secret,
        ClientRequestToken: version,
        SecretString: JSON.stringify({ username, password }),
        VersionStages: [stage],
      }),
    );
  }
}
