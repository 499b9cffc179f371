// The four steps in which Secrets Manager has a password rotated. Each may be called again after it has succeeded.
import { randomBytes } from 'node:crypto';
import type { Credentials, SecretVersions } from './secret-versions.ts';

/** Source: Secrets Manager user guide, "Rotation function events". */
export interface RotationEvent {
  Step: 'createSecret' | 'setSecret' | 'testSecret' | 'finishSecret';
  SecretId: string;
  ClientRequestToken: string;
}

/** What differs between data stores. */
export interface Rotation {
  /** Credentials that follow the current ones, with this password. */
  next(current: Credentials, password: string): Promise<Credentials>;
  /** Makes the store accept them, while it goes on accepting the current ones. */
  set(pending: Credentials, current: Credentials): Promise<void>;
  /** @throws when the store refuses them */
  test(pending: Credentials): Promise<void>;
}

/** 43 letters, digits, - and _: 256 random bits, in characters that every store and URL takes. */
const newPassword = (): string => randomBytes(32).toString('base64url');

export async function rotate(event: RotationEvent, versions: SecretVersions, rotation: Rotation): Promise<void> {
  const { Step: step, SecretId: secret, ClientRequestToken: version } = event;
  const stages = (await versions.stages(secret))[version];
  if (stages === undefined && step !== 'createSecret')
    throw new Error(`The secret ${secret} has no version ${version}.`);
  if (stages?.includes('AWSCURRENT')) return;
  const pending = await versions.pending(secret, version);
  if (step === 'createSecret') {
    if (pending !== undefined) return;
    const made = await rotation.next(await versions.current(secret), newPassword());
    await versions.putPending(secret, version, made);
    return;
  }
  // Secrets Manager tries out a function with a version that holds nothing when a schedule is made.
  if (pending === undefined && step === 'testSecret') return;
  if (pending === undefined) throw new Error(`The version ${version} of ${secret} holds no credentials yet.`);
  if (step === 'setSecret') await rotation.set(pending, await versions.current(secret));
  else if (step === 'testSecret') await rotation.test(pending);
  else await versions.promote(secret, version);
}
