const { basename } = require('node:path');
const ByName = require('./by-name.cjs');

/** The longest begin, so that none of them is alone at the end; the one that builds images when the scaling tests have nearly ended. */
const longest = [
  'scaling-band',
  'scaling',
  'scaling-rate',
  'alerts',
  'apply',
  'deploy',
  'dashboards',
  'faults-3-rollouts',
  'proxy',
];

module.exports = class LongestFirst extends ByName {
  sort(tests) {
    const byName = super.sort(tests);
    const isCalled = (name) => (test) => basename(test.path, '.test.ts') === name;
    const first = longest.flatMap((name) => byName.filter(isCalled(name)));
    return [...first, ...byName.filter((test) => !first.includes(test))];
  }
};
