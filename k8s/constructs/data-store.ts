// A data store in the cluster, for a laptop: one pod, one volume, one port. In AWS a managed one takes its place.
import { k8s } from 'cdk8s-plus-28';
import { Construct } from 'constructs';
import { type Identity, labels, selectorLabels } from './labels.ts';
import { hardenedContainer, hardenedPod, type Resources, resources, type SecretFiles, variables } from './pod.ts';

export interface DataStoreProps {
  namespace: string;
  /** Its name is the host name of the store. */
  identity: Identity;
  image: string;
  /** @default those of the image */
  args?: string[];
  port: number;
  /** Where the volume is mounted as a whole. @default only its subPaths are */
  dataPath?: string;
  /** Folders that must be writable beside it. @default none */
  scratchPaths?: readonly string[];
  /** Folders inside the volume that must exist, by where they are mounted. @default none */
  subPaths?: Readonly<Record<string, string>>;
  environment?: Readonly<Record<string, string>>;
  /** Mounted at /run/secrets. @default none */
  secret?: SecretFiles;
  /** Variables from a Secret, by name, for images that read no files. @default none */
  secretVariables?: SecretFiles;
  /** Command that succeeds when the store answers. @default a connection to the port */
  readyCommand?: string[];
  userId: number;
  resources: Resources;
  diskMiB: number;
}

const scratchMiB = 64;

export class DataStore extends Construct {
  constructor(scope: Construct, id: string, props: DataStoreProps) {
    super(scope, id);
    const { namespace, identity, port, dataPath, scratchPaths = [], subPaths = {}, secret } = props;
    const { name } = identity;
    const metadata = { namespace, name, labels: labels(identity) };
    new k8s.KubeServiceAccount(this, 'account', { metadata, automountServiceAccountToken: false });
    new k8s.KubeService(this, 'service', {
      metadata,
      spec: {
        selector: selectorLabels(identity),
        ports: [{ name, port, targetPort: k8s.IntOrString.fromString(name), protocol: 'TCP' }],
      },
    });
    const health: k8s.Probe = {
      ...(props.readyCommand === undefined
        ? { tcpSocket: { port: k8s.IntOrString.fromString(name) } }
        : { exec: { command: props.readyCommand } }),
      timeoutSeconds: 5,
    };
    const scratch = scratchPaths.map((path, index) => ({ path, volume: `scratch-${index}` }));
    new k8s.KubeStatefulSet(this, 'set', {
      metadata,
      spec: {
        replicas: 1,
        serviceName: name,
        // The other way a pod that never gets ready keeps the StatefulSet from taking a template that is right again.
        podManagementPolicy: 'Parallel',
        selector: { matchLabels: selectorLabels(identity) },
        template: {
          metadata: { labels: labels(identity) },
          spec: {
            ...hardenedPod(props.userId),
            serviceAccountName: name,
            terminationGracePeriodSeconds: 30,
            containers: [
              {
                ...hardenedContainer,
                name,
                image: props.image,
                ...(props.args === undefined ? {} : { args: props.args }),
                env: [
                  ...variables(props.environment ?? {}),
                  ...Object.entries(props.secretVariables?.items ?? {}).map(([variable, key]) => ({
                    name: variable,
                    valueFrom: { secretKeyRef: { name: props.secretVariables?.secretName ?? '', key } },
                  })),
                ],
                ports: [{ name, containerPort: port }],
                resources: resources(props.resources),
                startupProbe: { ...health, periodSeconds: 1, failureThreshold: 120 },
                readinessProbe: { ...health, periodSeconds: 5 },
                livenessProbe: {
                  tcpSocket: { port: k8s.IntOrString.fromString(name) },
                  periodSeconds: 20,
                  timeoutSeconds: 5,
                },
                volumeMounts: [
                  ...(dataPath === undefined ? [] : [{ name: 'data', mountPath: dataPath }]),
                  ...Object.entries(subPaths).map(([mountPath, subPath]) => ({ name: 'data', mountPath, subPath })),
                  ...scratch.map(({ path, volume }) => ({ name: volume, mountPath: path })),
                  ...(secret === undefined ? [] : [{ name: 'secret', mountPath: '/run/secrets', readOnly: true }]),
                ],
              },
            ],
            volumes: [
              ...scratch.map(({ volume }) => ({
                name: volume,
                emptyDir: { sizeLimit: k8s.Quantity.fromString(`${scratchMiB}Mi`) },
              })),
              ...(secret === undefined
                ? []
                : [
                    {
                      name: 'secret',
                      secret: {
                        secretName: secret.secretName,
                        defaultMode: 0o440,
                        items: Object.entries(secret.items).map(([path, key]) => ({ key, path })),
                      },
                    },
                  ]),
            ],
          },
        },
        volumeClaimTemplates: [
          {
            metadata: { name: 'data' },
            spec: {
              accessModes: ['ReadWriteOnce'],
              resources: { requests: { storage: k8s.Quantity.fromString(`${props.diskMiB}Mi`) } },
            },
          },
        ],
      },
    });
  }
}
