// Nginx in each pod, where an environment has `proxy` on.

/** Where it listens; the service of the same pod has another port. */
export const proxyPort = 8080;

/** What it asks for beside the service. */
export const proxyResources = { cpuRequestMillis: 50, memoryMiB: 64, ephemeralStorageMiB: 64 };
