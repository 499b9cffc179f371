// What the benchmark of the instrumentation takes out of the service is there to be taken out, and its verdict is that of docs/performance.md.
import { type Comparison, verdict } from '../bench/comparison.ts';
import { type Part, parts, sourcesWithout } from '../bench/without.ts';

describe.each(Object.keys(parts) as Part[])('the service without %s', (part) => {
  it('has lost what is taken out, wherever it was', () => {
    expect(Object.keys(sourcesWithout(part))).toEqual(Object.keys(parts[part]));
  });
});

it('has no line about spans on the path of a request when it is without tracing', () => {
  for (const source of Object.values(sourcesWithout('tracing'))) {
    expect(source).not.toMatch(/\bspan\b\??\.|spanId: |openTracing|tracing\?\./);
  }
});

const same = (value: number) => ({ value, lowest: value, highest: value });
const costing = (ratio: number, peerAgainstItself: number, noiseMeets: boolean): Comparison => ({
  title: '',
  unit: '',
  service: 1,
  peer: ratio,
  peerName: '',
  ratio: same(ratio),
  peerAgainstItself: same(peerAgainstItself),
  bound: { kind: 'at least', floor: 0.95, noiseMeets },
  holdsBack: '',
});

it.each([
  [0.96, 1, true, 'met'],
  [0.94, 1.01, true, 'missed the floor'],
  [0.94, 0.93, true, 'within the noise'],
  [0.94, 1.07, true, 'within the noise'],
  [0.94, 1.07, false, 'missed the floor'],
])(
  'says of a ratio of %d, where a peer has %d to itself and noise counts: %s, that it is %s',
  (value, itself, noiseMeets, is) => {
    expect(verdict(costing(value, itself, noiseMeets))).toBe(is);
  },
);
