// Volumes of pods: the driver that makes them, and their default class.
import { type ClusterAddOn, EbsCsiDriverAddOn } from '@aws-quickstart/eks-blueprints';
import type { Cluster, KubernetesManifest } from 'aws-cdk-lib/aws-eks-v2';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { managed } from './versions.ts';

/** Name of the default class. */
export const volumeClass = 'gp3';

/** @param tags of every volume that it makes: no stack knows those */
export const volumeDriver = (tags: Readonly<Record<string, string>>): ClusterAddOn =>
  new EbsCsiDriverAddOn({
    version: managed.ebsCsi,
    // The add-on's own class knows no key.
    storageClass: '',
    configurationValues: { controller: { extraVolumeTags: tags } },
  });

export const defaultVolumes = (cluster: Cluster, key: IKey): KubernetesManifest =>
  cluster.addManifest('volumes', {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name: volumeClass, annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
    provisioner: 'ebs.csi.aws.com',
    reclaimPolicy: 'Delete',
    volumeBindingMode: 'WaitForFirstConsumer',
    parameters: { type: 'gp3', fsType: 'ext4', encrypted: 'true', kmsKeyId: key.keyArn },
  });
