import { rmSync } from 'node:fs';
import { running } from './global-setup.ts';
import { sharedServers } from './shared-servers.ts';

export default async function teardown(): Promise<void> {
  for (const server of running.reverse()) await server.stop();
  rmSync(sharedServers().dir, { recursive: true, force: true });
}
