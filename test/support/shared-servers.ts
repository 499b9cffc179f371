// Where the servers of this run are: written by the global set-up, read by every test file through the environment.

export interface SharedServers {
  /** Folder of this run. */
  dir: string;
  /** What is under test: the bundle's main.js, or an image. */
  program: { main: string } | { image: string };
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
