// `make undeploy ENV=local`: removes what a deployment made, its data included.
import { command, DeployError, isOn } from './command.ts';
import { openCluster } from './context.ts';
import { environmentFor } from './environment.ts';
import { removeEnvironment } from './remove.ts';
import { insistOnTools } from './tools.ts';

const name = process.argv[2] || undefined;

await command(
  async (stop) => {
    const environment = await environmentFor(name);
    const { network } = environment;
    if (network !== undefined && process.env.CONFIRM !== environment.name) {
      throw new DeployError(
        `This ends ${environment.name} for all who use it: make undeploy ENV=${name} CONFIRM=${name} does it`,
      );
    }
    if (network !== undefined && environment.loadBalancer.deletionProtection) {
      throw new DeployError(
        `The load balancer of ${environment.name} is protected from deletion, and its Ingress would never go: set loadBalancer.deletionProtection to false in config/${environment.name}.ts and make deploy ENV=${name} first`,
      );
    }
    insistOnTools(['kubectl']);
    const cluster = await openCluster(environment, isOn('FORCE'), stop);
    await removeEnvironment(environment, cluster, stop);
  },
  () => `The cluster goes on removing; make undeploy ENV=${name} waits for the rest.`,
);
