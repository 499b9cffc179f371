// The addresses of Grafana, Prometheus and Alertmanager in docs/operations.md are what the chart makes of the release that the stacks install.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writtenIn } from '../observability/support/operations.ts';
import { propertiesOf, root, template } from './support/templates.ts';

/** Services with their ports (the first one here, when two), the Secret, and a label. Source: the templates of kube-prometheus-stack and of the charts in it. */
const madeBy = (release: string) => [
  `port-forward service/${release}-grafana 3001:80`,
  `get secret ${release}-grafana --output=jsonpath='{.data.admin-password}' | base64 --decode`,
  `port-forward service/${release}-prometheus 9090`,
  `port-forward service/${release}-alertmanager 9093`,
  'rollout restart deployment --selector=app.kubernetes.io/name=kube-state-metrics',
];

it.each(['staging', 'production'])(
  'O2 O3 the pages of monitoring are where docs/operations.md says, in %s',
  (environment) => {
    const chart = 'kube-prometheus-stack';
    const [installed] = propertiesOf(template(environment, 'cluster'), 'Custom::AWSCDK-EKS-HelmChart').filter(
      ({ Chart }) => Chart === chart,
    );
    const { Release, Namespace, Values } = installed as { Release: string; Namespace: string; Values: string };
    // A release whose name has the chart's in it, of 26 letters at most, is the name of what it makes, if no value says otherwise; _helpers.tpl.
    expect(Release).toContain(chart);
    expect(Release.length).toBeLessThanOrEqual(26);
    expect(Values).not.toMatch(/(fullname|name|namespace)Override/);
    const page = readFileSync(join(root, 'docs', 'operations.md'), 'utf8');
    const written = writtenIn(page).filter((command) => command.startsWith(`kubectl --namespace ${Namespace} `));
    expect(written).toEqual(madeBy(Release).map((command) => `kubectl --namespace ${Namespace} ${command}`));
  },
);
