// `make dev`: looks for what Skaffold needs, and hands over to it until Ctrl-C. PROFILE=redis-ui adds a page for Redis.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { command, DeployError, isOn, say } from './command.ts';
import { openCluster } from './context.ts';
import { environmentFor } from './environment.ts';
import { insistOnPrerequisites } from './prerequisites.ts';
import { removeEnvironment } from './remove.ts';
import { insistOnDocker, insistOnTools } from './tools.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

await command(
  async (stop) => {
    const local = await environmentFor('local');
    insistOnTools(['docker', 'kind', 'kubectl', 'skaffold']);
    const cluster = await openCluster(local, isOn('FORCE'), stop);
    await insistOnPrerequisites(local, cluster, stop);
    await insistOnDocker(stop);
    const wasThere =
      (await cluster.kubectl(['get', 'namespace', local.namespace, '--ignore-not-found'], { stop })) !== '';
    const profile = process.env.PROFILE ? ['--profile', process.env.PROFILE] : [];
    say(
      `Skaffold builds and deploys to ${cluster.context}; ${wasThere ? 'the namespace and its data were there before, and stay' : 'Ctrl-C removes it again'} …`,
    );
    // In a session of its own, so that Ctrl-C reaches it once, through us. The cleaning up is ours: Skaffold does none when it is
    // interrupted while it deploys, and does not wait for the namespace otherwise.
    const child = spawn('skaffold', ['dev', '--cleanup=false', '--kube-context', cluster.context, ...profile], {
      cwd: root,
      stdio: 'inherit',
      detached: true,
    });
    stop.addEventListener('abort', () => child.kill('SIGINT'));
    const [code] = (await once(child, 'close')) as [number | null];
    // Also after a failure: what is left would count as having been there the next time.
    if (!wasThere) await removeEnvironment(local, cluster);
    if (!stop.aborted && code !== 0) throw new DeployError('Skaffold ended with an error; its message is above.');
  },
  () => 'make dev begins anew; make undeploy ENV=local removes what is left.',
);
