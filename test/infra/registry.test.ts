import { spawnSync } from 'node:child_process';
import { accountId } from '../../config/account.ts';
import { fakeMachine, own } from './support/machine.ts';

const machine = fakeMachine();
afterAll(() => machine.remove());

const repository = `${accountId}.dkr.ecr.us-east-1.amazonaws.com/slipway`;
function push(tag: string) {
  const { stdout, stderr } = spawnSync(own('local/node'), [own('test/infra/support/push.ts'), tag], {
    encoding: 'utf8',
    env: machine.env,
  });
  return { digest: /^digest (.*)$/m.exec(stdout)?.[1], stderr };
}

describe('P5 an image whose tag the registry takes once', () => {
  it('is not pushed again', () => {
    machine.answer('aws', '*describe-images*) echo sha256:there ;;');
    machine.answer('docker', "*) echo 'denied: The image tag already exists' >&2; exit 1 ;;");
    expect(push('abc123')).toEqual({ digest: 'sha256:there', stderr: '' });
    expect(machine.calls()).toEqual([
      `aws ecr describe-images --registry-id ${accountId} --repository-name slipway --image-ids imageTag=abc123 --region us-east-1 --query imageDetails[0].imageDigest --output text`,
    ]);
  });

  it('is pushed when it is not there', () => {
    machine.answer('aws', "*describe-images*) echo 'ImageNotFoundException' >&2; exit 254 ;;\n*) echo password ;;");
    machine.answer('docker', `image*) echo '["${repository}@sha256:pushed"]' ;;`);
    expect(push('abc123')).toEqual({ digest: 'sha256:pushed', stderr: '' });
    expect(machine.calls().map((call) => call.split(' ').slice(0, 3).join(' '))).toEqual([
      'aws ecr describe-images',
      'aws ecr get-login-password',
      'docker login --username',
      `docker push ${repository}:abc123`,
      'docker image inspect',
    ]);
  });
});
