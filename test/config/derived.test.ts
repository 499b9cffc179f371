import { derivations } from '../../config/derive.ts';
import { environmentNamed } from '../../config/environments.ts';
import { serviceSettings } from '../../config/service-settings.ts';
import { environmentNames, variant } from '../k8s/support/manifests.ts';

/** Worked out by hand from what the three environments say, and from the sizes of their nodes. */
const expected = {
  //                            local staging production
  requestTimeoutSeconds: [35, 300, 300],
  deregistrationDelaySeconds: [35, 300, 300],
  terminationGraceSeconds: [50, 325, 325], // 5 + 35 + 10, 15 + 300 + 10
  keepAliveSeconds: [75, 75, 75],
  takenOutSeconds: [12, 65, 65], // 2 × 5 + 2, 2 × 30 + 5
  podsAtMost: [7, 11, 12],
  connectionsAtMost: [56, 110, 240],
  connectionsFree: [85, 135, 385],
  nodeCpuMillis: [1580, 1580, 1580], // 2 cores less 70 m for the kubelet and 350 m for DaemonSets
  nodeMemoryMiB: [1723, 6337, 6403],
  podsPerNode: [6, 3, 1],
  trustedProxyHops: [1, 1, 1],
};

describe('derived numbers', () => {
  it.each(Object.entries(expected))('%s is in local, staging, production: %j', (name, numbers) => {
    const derived = environmentNames.map((each) => environmentNamed(each).derived as Record<string, number>);
    expect(derived.map((each) => each[name])).toEqual(numbers);
  });

  it('are all in this table, each with a unit and a rule', () => {
    expect(derivations.map(({ name }) => name)).toEqual(Object.keys(expected));
    expect(derivations.filter(({ unit, rule }) => unit === '' || rule.length < 10)).toEqual([]);
  });

  it('say that pods which are still ending are not among the most', () => {
    const rules = new Map(derivations.map(({ name, rule }) => [name, rule]));
    for (const name of ['podsAtMost', 'connectionsAtMost'] as const) {
      expect(rules.get(name)).toMatch(/pods that are still ending come on top$/);
    }
  });

  it('follow the numbers from which they come', () => {
    const slower = variant('production', {
      longestRequestSeconds: 120,
      proxy: true,
      loadBalancer: { preStopSeconds: 20, idleSeconds: 100 },
    });
    expect(slower.derived).toMatchObject({
      requestTimeoutSeconds: 120,
      deregistrationDelaySeconds: 120,
      terminationGraceSeconds: 150,
      keepAliveSeconds: 115,
      trustedProxyHops: 2,
    });
    // 500 + 50 m of 1580 m.
    expect(variant('staging', { proxy: true }).derived.podsPerNode).toBe(2);
    // A third of 50 GiB less a tenth and 1 GiB, and a little more than a third.
    expect(variant('staging', { pod: { ephemeralStorageMiB: 15_018 } }).derived.podsPerNode).toBe(3);
    expect(variant('staging', { pod: { ephemeralStorageMiB: 15_019 } }).derived.podsPerNode).toBe(2);
    // 256 + 64 MiB of 1723 MiB.
    expect(variant('local', { proxy: true }).derived.podsPerNode).toBe(5);
    expect(serviceSettings(slower)).toMatchObject({
      LONGEST_REQUEST_SECONDS: '120',
      LOAD_BALANCER_IDLE_SECONDS: '100',
      TRUSTED_PROXY_HOPS: '2',
    });
  });
});
