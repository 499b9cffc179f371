// Versions of everything that is put on a cluster, in one place. None is looked up; none is "auto".

/** Of EKS, and of the manifests' API. */
export const kubernetesVersion = '1.35';

/** Add-ons that EKS manages, for Kubernetes 1.35. */
export const managed = {
  vpcCni: 'v1.21.1-eksbuild.1',
  coreDns: 'v1.13.2-eksbuild.3',
  kubeProxy: 'v1.35.0-eksbuild.2',
  podIdentityAgent: 'v1.3.10-eksbuild.2',
  ebsCsi: 'v1.57.1-eksbuild.1',
  cloudWatch: 'v5.3.1-eksbuild.1',
};

/** Helm charts. */
export const charts = {
  loadBalancerController: '3.4.0',
  metricsServer: '3.13.1',
  externalSecrets: '2.7.0',
  externalDns: '1.21.1',
  karpenter: '1.13.0',
  kubePrometheusStack: '79.5.0',
  prometheusAdapter: '5.2.0',
};
