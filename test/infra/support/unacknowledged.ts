// Writes the templates with no finding acknowledged, and prints which acknowledgements none of the findings needs, and which findings have none.
// Usage: node test/infra/support/unacknowledged.ts FOLDER
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineEnvironment, valuesOf } from '../../../config/environment.ts';
import { environments } from '../../../config/environments.ts';
import { production } from '../../../config/production.ts';
import { buildApp } from '../../../infra/app.ts';
import { awsEnvironment, isAws } from '../../../infra/environment.ts';
import { acknowledgements } from '../../../infra/policy/acknowledgements.ts';
import { merged } from './merge.ts';

interface Report {
  pluginReports: { violations: { ruleName: string; violatingConstructs: { constructPath: string }[] }[] }[];
}

const folder = process.argv[2] as string;
/** With what no real environment has: its acknowledgements are needed here. */
const everything = defineEnvironment(
  merged(valuesOf(production), {
    name: 'everything',
    loadBalancer: { domain: 'api.example.org' },
    aws: { zone: { name: 'example.org' }, cluster: { fargateNamespaces: ['batch'] } },
  }) as never,
);
const inAws = [...environments.filter(isAws), awsEnvironment(everything)];
const app = await buildApp(inAws, { outdir: folder, acknowledged: false });
try {
  app.synth();
} catch {
  // Findings are open, as they are meant to be: the report is written all the same.
}
const { pluginReports } = JSON.parse(readFileSync(join(folder, 'validation-report.json'), 'utf8')) as Report;
const found = pluginReports.flatMap(({ violations }) =>
  violations.flatMap(({ ruleName, violatingConstructs }) =>
    violatingConstructs.map(({ constructPath }) => ({ ruleName, constructPath })),
  ),
);

/** Whether a construct at or above this path, below its environment, is the one that is meant. */
const within = (path: string, at: RegExp) =>
  path.split('/').some((_, index, parts) => at.test(parts.slice(0, index + 1).join('/')));

const wanted = inAws.flatMap((environment) =>
  acknowledgements.flatMap(({ at, findings }) => findings(environment).map((id) => ({ environment, at, id }))),
);
type Wanted = (typeof wanted)[number];
const covers = ({ environment, at, id }: Wanted, { ruleName, constructPath }: (typeof found)[number]) =>
  (ruleName === id || `CloudFormation-Validate::${ruleName}` === id) &&
  constructPath.startsWith(`${environment.name}/`) &&
  within(constructPath.slice(environment.name.length + 1), at);
const unused = wanted.filter((each) => !found.some((finding) => covers(each, finding)));
// A replica is missing where there is none, so an acknowledgement counts when one environment needs it.
const neededSomewhere = (each: Wanted) =>
  wanted.some((other) => other.at === each.at && other.id === each.id && !unused.includes(other));
process.stdout.write(
  JSON.stringify({
    used: wanted.length - unused.length,
    unused: unused.filter((each) => !neededSomewhere(each)).map(({ at, id }) => `${at} ${id}`),
    unexplained: found
      .filter((finding) => !wanted.some((each) => covers(each, finding)))
      .map(({ ruleName, constructPath }) => `${constructPath} ${ruleName}`),
  }),
);
