import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { accountId, sampleAccountId } from '../../config/account.ts';
import { leaves } from '../../config/environment.ts';
import { copyCheckout } from '../deploy/support/checkout.ts';
import { committed, environmentNames, root, synthesized, variant } from '../k8s/support/manifests.ts';

const lines = environmentNames.flatMap((name) =>
  readdirSync(join(root, 'charts-out', name)).flatMap((file) =>
    readFileSync(join(root, 'charts-out', name, file), 'utf8').split('\n'),
  ),
);

describe('the AWS account id', () => {
  it('is one value, the sample of the documentation until an adopter puts theirs', () => {
    expect(sampleAccountId).toBe('111122223333');
    expect(accountId).toMatch(/^\d{12}$/);
  });

  it('is in no test: those of an adopter, who has another, are the same', () => {
    const tests = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' }).filter(
      (path) => path.endsWith('.ts') && path !== join('config', 'account.test.ts'),
    );
    expect(tests.length).toBeGreaterThan(100);
    const told = tests.filter((path) => readFileSync(join(root, 'test', path), 'utf8').includes(sampleAccountId));
    expect(told).toEqual([]);
  });

  it('appears in charts-out in the names of images and buckets only', () => {
    const places = lines
      .filter((line) => line.includes(accountId))
      .map((line) =>
        line
          .replaceAll(accountId, 'ID')
          .replace(/:[\w.-]+(@sha256:\w+)?$/, ':TAG')
          .trim(),
      );
    expect(places.filter((line) => !/^image: |^S3_BUCKET: |load-balancer-attributes: /.test(line))).toEqual([]);
    const words = places.flatMap((line) => line.split(/[\s,=]+/)).filter((word) => word.includes('ID'));
    expect([...new Set(words)].sort()).toEqual([
      'ID.dkr.ecr.us-east-1.amazonaws.com/slipway:TAG',
      'slipway-production-files-ID',
      'slipway-production-logs-ID',
      'slipway-staging-files-ID',
      'slipway-staging-logs-ID',
    ]);
  });

  it('and no ARN, no other account and no id that AWS gives is in charts-out', () => {
    const given =
      /arn:aws|\b(vpc|subnet|sg|rtb|acm|eipalloc)-[0-9a-f]{8,}|[a-z0-9]+\.rds\.amazonaws|\.cache\.amazonaws/;
    expect(lines.filter((line) => given.test(line))).toEqual([]);
    expect(lines.filter((line) => /\b\d{12}\b/.test(line.replaceAll(accountId, '')))).toEqual([]);
  });

  it('is the only thing that changes with it, but for what is hashed of it', () => {
    const other = accountId.replaceAll(/\d/g, (digit) => String(9 - Number(digit)));
    for (const name of ['staging', 'production']) {
      const before = leaves({ ...committed(name) });
      const after = leaves({ ...synthesized(variant(name, { accountId: other })) });
      const differing = after.filter(
        ({ value }, index) => JSON.stringify(value) !== JSON.stringify(before[index]?.value),
      );
      const unexplained = differing.filter(
        ({ value }) => !JSON.stringify(value).includes(other) && !/^[0-9a-f]{16}$|-[0-9a-f]{8}$/.test(String(value)),
      );
      expect(differing.length).toBeGreaterThan(3);
      expect(unexplained).toEqual([]);
    }
  });

  it.each(['staging', 'production'])(
    'that is the sample one is refused by a deployment of %s, before anything else',
    (name) => {
      const checkout = copyCheckout();
      checkout.edit('config/account.ts', `accountId = '${accountId}'`, `accountId = '${sampleAccountId}'`);
      // No PATH: whatever came next would fail too, and could do no harm.
      const { status, stdout, stderr } = spawnSync(process.execPath, ['k8s/deploy/deploy.ts', name], {
        cwd: checkout.dir,
        encoding: 'utf8',
        env: { PATH: '' },
      });
      checkout.remove();
      expect({ status, stdout, stderr }).toEqual({
        status: 1,
        stdout: '',
        stderr: `config/account.ts has the account id 111122223333 of AWS' documentation: put your own there before you deploy ${name}\n`,
      });
    },
  );
});
