import { stopAll } from './global-setup.ts';
import { sharedServers } from './shared-servers.ts';

export default async function teardown(): Promise<void> {
  await stopAll(sharedServers().dir);
}
