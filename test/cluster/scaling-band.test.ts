// The promise of a band: above its upper edge pods are added, below its lower one they go, and in between nothing moves.
import { writeFileSync } from 'node:fs';
import type { BandRun } from '../../docs/scaling/numbers.ts';
import { syncSeconds, wantedReplicas } from '../../k8s/scale-test/rule.ts';
import { failures, isMeasured, type Measured, type ScalingRun, startRun } from './support/scaling-run.ts';
import { type ClusterWorld, createWorld } from './support/world.ts';

const full = process.env.FULL === '1';
const windowPercent = full ? 100 : 10;
/** Longer than the window by which pods are removed: 300 s in FULL, else 30 s. */
const syncs = full ? 24 : 8;
const seconds = 1000;
const minutes = 60 * seconds;
/** The edges, in percent of the request. */
const upper = 50;
const lower = 30;
/** Over the upper edge with 2 pods: 4 to 6 of them are wanted. */
const aboveMillis = 210;

let world: ClusterWorld;
let run: ScalingRun;
/** What is burnt, in thousandths of a core. */
let millis = aboveMillis;
const seen: Partial<BandRun> = {};
beforeAll(async () => {
  console.log(
    `windows of ${windowPercent} % of the profile's, ${syncs} syncs inside the band; FULL=1 for 100 % and 24`,
  );
  world = await createWorld({
    name: 'test-scaling-band',
    nodePort: 30_105,
    change: (values) => ({
      ...values,
      scaling: { ...values.scaling, profile: 'band-50-30', windowPercent },
    }),
  });
  await world.apply();
  await world.ready(170_000);
  run = await startRun(world);
});
afterAll(async () => {
  await run?.end();
  await world?.end();
});

describe('band-50-30', () => {
  it(
    'adds pods above 50 %, and no more than the rule says',
    async () => {
      run.pace(aboveMillis);
      const decided = await run.until('more pods', ({ autoscaler }) => autoscaler.desired > 2, 6 * minutes);
      const { percent, current, desired } = decided.autoscaler;
      console.log(`${current} pods at ${percent} %: ${desired} wanted`);
      seen.above = { percent, pods: current, wanted: desired };
      expect(percent).toBeGreaterThan(upper);
      expect(current).toBe(2);
      // Of what it wanted within the window the least counts, and a pod that is not measured yet counts as idle.
      expect(desired).toBeLessThanOrEqual(Math.min(6, plainWish(2)(percent)));
      await run.until(
        'a measurement inside the band',
        ({ ready, wanted, autoscaler }) => ready === wanted && wanted > 2 && autoscaler.percent <= upper,
        4 * minutes,
      );
    },
    11 * minutes,
  );

  it(
    `moves nothing between 30 and 50 % over ${syncs} syncs, where a plain HPA would remove a pod`,
    async () => {
      const giveUpAt = Date.now() + 20 * minutes;
      let { inside, pods } = await stayInside();
      // Other tests on the machine, until they have ended, may drive the measurement out of the band, which is not what is tested.
      while (!inside.every(isInBand) && Date.now() < giveUpAt) ({ inside, pods } = await stayInside());
      const percents = inside.map(({ autoscaler }) => autoscaler.percent);
      console.log(`${pods} pods, measured: ${distinct(percents).join(', ')} %`);
      seen.inside = { pods, syncs, percents: distinct(percents), plain: distinct(percents.map(plainWish(pods))) };
      expect(Math.min(...percents)).toBeGreaterThanOrEqual(lower);
      expect(Math.max(...percents)).toBeLessThanOrEqual(upper);
      expect(distinct(inside.map(({ wanted }) => wanted))).toEqual([pods]);
    },
    40 * minutes,
  );

  it(
    'removes pods below 30 %, one at a time',
    async () => {
      const from = run.samples.length;
      const pods = run.samples.at(-1)?.wanted ?? 0;
      run.pace(0);
      await run.until('two pods', ({ wanted, ready }) => wanted === 2 && ready === 2, (full ? 15 : 4) * minutes);
      const after = run.samples.slice(from).filter(isMeasured);
      expect(after.find(({ autoscaler }) => autoscaler.desired < pods)?.autoscaler.percent).toBeLessThan(lower);
      seen.below = distinct(after.map(({ wanted }) => wanted));
      expect(seen.below).toEqual(Array.from({ length: pods - 1 }, (_, index) => pods - index));
    },
    16 * minutes,
  );

  it('answers every request meanwhile', () => {
    expect(run.answers.length).toBeGreaterThan(0);
    expect(failures(run.answers)).toEqual([]);
    // The run with whole windows is the one that docs/scaling.md shows; `make docs` takes its numbers over.
    if (!full || seen.above === undefined || seen.inside === undefined || seen.below === undefined) return;
    const report = { date: new Date().toISOString().slice(0, 10), lower, upper, ...seen, requests: run.answers.length };
    writeFileSync('docs/scaling/band.json', `${JSON.stringify(report, undefined, 2)}\n`);
  });
});

const isInBand = ({ autoscaler: { percent } }: Measured) => percent >= lower && percent <= upper;

/** Where a look of the HPA fell below the band, all but the fewest pods are gone, and more load must bring them back first. */
async function morePods(): Promise<Measured> {
  if ((run.samples.at(-1)?.wanted ?? 0) <= 2) {
    millis = aboveMillis;
    run.pace(millis);
  }
  const isAtRest = ({ ready, wanted, autoscaler }: Measured) =>
    ready === wanted && wanted > 2 && autoscaler.percent <= upper;
  return run.until('rest with more pods', isAtRest, 6 * minutes);
}

/** Finds a load that is low in the band, and watches it for so many looks of the HPA, or until one falls outside. */
async function stayInside(): Promise<{ inside: Measured[]; pods: number }> {
  let from = await morePods();
  const pods = from.wanted;
  // Inside the band, and yet so low that a plain HPA would remove a pod.
  const plainRemovesAt = (upper * (pods - 1)) / pods;
  const aimedPercent = lower + 0.7 * (plainRemovesAt - lower);
  // A measurement is off by as much as this from one look to the next: nearer to an edge than that, a look falls over it.
  const isAimed = ({ autoscaler: { percent } }: Measured) => Math.abs(percent - aimedPercent) <= 3;
  // What pods use beyond what they burn is more on a busy machine, so it is found by trying.
  for (let tries = 0; !isAimed(from) && tries < 5; tries++) {
    millis -= ((from.autoscaler.percent - aimedPercent) * pods * run.target.requestMillis) / 100;
    run.pace(Math.round(millis));
    const seenFrom = Date.now() + 3 * syncSeconds * seconds;
    from = await run.until('a measurement of that load', ({ at }) => at >= seenFrom, 2 * minutes);
  }
  const end = from.at + syncs * syncSeconds * seconds;
  const last = await run.until(
    `${syncs} syncs`,
    (sample) => sample.at > end || !isInBand(sample),
    (syncs * syncSeconds + 30) * seconds,
  );
  return { inside: run.samples.filter(({ at }) => at >= from.at && at <= last.at).filter(isMeasured), pods };
}

/** What an HPA with the usual tolerance would want at a measurement. */
const plainWish = (pods: number) => (percent: number) => wantedReplicas(percent, pods, upper);
const distinct = <T>(values: readonly T[]) => [...new Set(values)];
