// Whoever runs a whole deployment or destroy: on a machine where programs in place of aws, kubectl, docker and cdk note what they were asked.
import { spawn } from 'node:child_process';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { fakeMachine, type Machine, own } from './machine.ts';

/** What an account answers in which nothing is wrong. */
export const healthy = `
*get-caller-identity*) echo '{"Account":"222233334444","Arn":"arn:aws:sts::222233334444:assumed-role/platform-admin/me"}' ;;
*get-service-quota*) echo '{"Quota":{"Value":1000}}' ;;
*list-certificates*) echo '{"CertificateSummaryList":[{"DomainName":"api.example.net"}]}' ;;
*describe-addresses*|*describe-vpcs*|*describe-instances*) echo '[]' ;;
*describe-load-balancers*) echo arn:load-balancer ;;
*describe-stacks*) echo CREATE_COMPLETE ;;
*describe-cluster*) echo ACTIVE ;;`;

/** What stands at the address of the Ingress. */
export interface LoadBalancer {
  /** Host name with port. */
  readonly host: string;
  /** Of every answer; without one it does not answer. Default: 200 in each test */
  status: number | undefined;
  /** Headers of the requests, the first one first. */
  readonly asked: readonly IncomingHttpHeaders[];
  /** The requests that wait for an answer. */
  readonly unanswered: readonly ServerResponse[];
}

/** A verb of support/operate.ts that runs. */
export interface Operation {
  /** Also of its process group. */
  pid: number;
  ended: Promise<{ status: number | null; stdout: string; stderr: string }>;
}

export interface Operator {
  machine: Machine;
  loadBalancer: LoadBalancer;
  /** @param input to its standard input, which then ends */
  begin(verb: string, environment: string, input: string, change?: object, env?: object): Operation;
  /** The same to its end, with the calls that it made. */
  operate(
    ...of: Parameters<Operator['begin']>
  ): Promise<{ status: number | null; stdout: string; stderr: string; calls: string[] }>;
}

/** Makes an operator for the tests of a file, each of which finds a healthy account and a healthy service. */
export function operator(): Operator {
  const machine = fakeMachine();
  const unanswered: ServerResponse[] = [];
  const asked: IncomingHttpHeaders[] = [];
  const loadBalancer = { host: '', status: undefined as number | undefined, asked, unanswered };
  const server = createServer(({ headers }, response) => {
    asked.push(headers);
    if (loadBalancer.status === undefined) unanswered.push(response);
    else response.writeHead(loadBalancer.status).end();
  });
  const running = new Set<number>();

  const begin: Operator['begin'] = (verb, environment, input, change = {}, env = {}) => {
    const args = [own('test/infra/support/operate.ts'), verb, environment, JSON.stringify(change)];
    const child = spawn(own('local/node'), args, {
      cwd: machine.dir,
      env: { ...machine.env, ...env },
      detached: true,
    });
    const pid = child.pid as number;
    running.add(pid);
    child.stdin.end(input);
    const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
    const ended = Promise.all([text(child.stdout), text(child.stderr), closed]).then(([stdout, stderr, status]) => {
      running.delete(pid);
      return { status, stdout, stderr };
    });
    return { pid, ended };
  };

  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    loadBalancer.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  beforeEach(() => {
    loadBalancer.status = 200;
    asked.length = 0;
    unanswered.length = 0;
    machine.calls();
    machine.answer('aws', healthy);
    machine.answer('docker');
    machine.answer('kubectl', `*"get ingress"*) echo ${loadBalancer.host} ;;\n*"get crd"*) echo there ;;`);
    machine.answer('local/node');
    machine.answer('node_modules/.bin/cdk');
  });
  afterEach(() => {
    for (const pid of running) process.kill(-pid, 'SIGKILL');
  });
  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    machine.remove();
  });

  return {
    machine,
    loadBalancer,
    begin,
    operate: async (...of) => ({ ...(await begin(...of).ended), calls: machine.calls() }),
  };
}
