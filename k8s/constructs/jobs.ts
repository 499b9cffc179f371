import { createHash } from 'node:crypto';
import { k8s } from 'cdk8s-plus-28';
import { Construct } from 'constructs';
import { type Identity, labels } from './labels.ts';
import {
  hardenedContainer,
  hardenedPod,
  type Resources,
  resources,
  type SecretFiles,
  secretMount,
  secretVolume,
  settingsDir,
  variables,
} from './pod.ts';

export interface OneTimeJobProps {
  namespace: string;
  /** Its component names the Job. */
  identity: Identity;
  image: string;
  args: string[];
  /** Variables that are no secret. */
  settings: Readonly<Record<string, string | undefined>>;
  secret: SecretFiles;
  resources: Resources;
  /** All its tries together. */
  longestSeconds: number;
}

/** Besides those that the command makes by itself: they come after 10, 20, 40 … s. */
const tries = 8;

/**
 * Runs a command to its end, once for each content: the name holds a hash of all it does, since the template of a Job can
 * never be changed. Applied again it is left alone; with another image or setting it is another Job.
 * So a Job that is done has no time after which it is removed: it would be made, and run, again.
 */
export class OneTimeJob extends Construct {
  constructor(scope: Construct, id: string, props: OneTimeJobProps) {
    super(scope, id);
    const { namespace, identity } = props;
    const account = `${identity.name}-${identity.component}`;
    new k8s.KubeServiceAccount(this, 'account', {
      metadata: { namespace, name: account, labels: labels(identity) },
      automountServiceAccountToken: false,
    });
    const spec: k8s.JobSpec = {
      backoffLimit: tries,
      activeDeadlineSeconds: props.longestSeconds,
      template: {
        metadata: { labels: labels(identity) },
        spec: {
          ...hardenedPod(),
          serviceAccountName: account,
          restartPolicy: 'OnFailure',
          containers: [
            {
              ...hardenedContainer,
              name: identity.component,
              image: props.image,
              args: props.args,
              env: variables({ ...props.settings, SETTINGS_DIR: settingsDir }),
              resources: resources(props.resources),
              volumeMounts: [secretMount],
            },
          ],
          volumes: [secretVolume(props.secret)],
        },
      },
    };
    const content = createHash('sha256').update(JSON.stringify(spec)).digest('hex').slice(0, 8);
    new k8s.KubeJob(this, 'job', {
      metadata: { namespace, name: `${account}-${content}`, labels: labels(identity) },
      spec,
    });
  }
}
