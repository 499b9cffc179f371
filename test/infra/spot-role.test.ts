import { healthy, operator } from './support/operator.ts';

const { machine, operate } = operator();

describe('the role of Spot', () => {
  const deployed = async (cases: string) => {
    machine.answer('aws', `${cases}\n${healthy}`);
    const { calls, ...rest } = await operate('deploy', 'staging', 'yes\n');
    const place = (part: string) => calls.findIndex((call) => call.includes(part));
    return { ...rest, made: place('create-service-linked-role'), registry: place('deploy registry') };
  };
  const none = "*get-role*AWSServiceRoleForEC2Spot*) echo '(NoSuchEntity)' >&2; exit 254 ;;";

  it('is left as it is where there is one', async () => {
    expect(await deployed('')).toMatchObject({ status: 0, made: -1 });
  });

  it('is made before any stack where there is none', async () => {
    const { status, stdout, made, registry } = await deployed(none);
    expect([status, stdout.includes('Made AWSServiceRoleForEC2Spot.')]).toEqual([0, true]);
    expect(made).toBeGreaterThan(0);
    expect(registry).toBeGreaterThan(made);
  });

  it('is taken as made when only making it tells that it is there', async () => {
    const taken = `*create-service-linked-role*) echo '(InvalidInput) Service role name has been taken in this account' >&2; exit 254 ;;`;
    expect(await deployed(`*get-role*Spot*) echo '(AccessDenied)' >&2; exit 254 ;;\n${taken}`)).toMatchObject({
      status: 0,
    });
  });

  it('that may not be made ends the deployment before any stack', async () => {
    const denied = "*create-service-linked-role*) echo '(AccessDenied)' >&2; exit 254 ;;";
    const { status, stderr, registry } = await deployed(`${none}\n${denied}`);
    expect([status, registry]).toEqual([1, -1]);
    expect(stderr).toContain(
      'failed: aws iam create-service-linked-role --aws-service-name spot.amazonaws.com: (AccessDenied)',
    );
  });
});
