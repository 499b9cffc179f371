// Where the servers of this run are: written by the global set-up, read by every test file through the environment.

/** How the service is run in pods of a cluster; see test/cluster/support/pod-process.ts. */
export interface PodProgram {
  namespace: string;
  /** The pod as the manifests make it; the container's arguments and environment are each test's own. */
  pod: {
    metadata: { labels: Record<string, string> };
    spec: Record<string, unknown> & {
      containers: [Record<string, unknown> & { ports: { name: string; containerPort: number }[] }];
    };
  };
  /** host:port of a server as tests reach it → as pods do. */
  addresses: Record<string, string>;
}

export interface SharedServers {
  /** Folder of this run. */
  dir: string;
  /** What is under test: the bundle's main.js, an image, or pods of a cluster. */
  program: { main: string } | { image: string } | { pods: PodProgram };
  /** With the superuser's credential. */
  postgres: { url: string };
  redis: { url: string };
  /** Missing when no S3 server could be had. */
  s3?: { endpoint: string; accessKey: string; secretKey: string };
}

const variable = 'SLIPWAY_TEST_SERVERS';

export function shareServers(servers: SharedServers): void {
  process.env[variable] = JSON.stringify(servers);
}

export function sharedServers(): SharedServers {
  const text = process.env[variable];
  if (text === undefined) throw new Error('the global set-up did not run');
  return JSON.parse(text) as SharedServers;
}
