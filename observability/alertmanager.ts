// What Alertmanager does with alerts: which topic of SNS each goes to, what is said there, and what is left unsaid.
import type { Severity } from '../config/aws-names.ts';

export interface AlertDelivery {
  /** ARN of the topic for each severity. */
  topics: Record<Severity, string>;
  region: string;
  /** What the subject of a message ends with, so that a mail says where it comes from. */
  from: string;
}

/** Of the rules that the chart brings along: theirs worth a call is `critical`. */
const severityOf: Record<Severity, string> = { page: 'page|critical', ticket: 'ticket' };
/** Who was told hears of it again after so long. */
const again: Record<Severity, string> = { page: '4h', ticket: '24h' };

const message = `{{ range .Alerts }}{{ .Annotations.summary }}
{{ .Annotations.description }}
Runbook: {{ or .Annotations.runbook .Annotations.runbook_url }}
{{ .Status }}, since {{ .StartsAt.UTC.Format "2006-01-02 15:04:05" }} UTC:{{ range .Labels.SortedPairs }} {{ .Name }}={{ .Value }}{{ end }}

{{ end }}`;

/**
 * Configuration of Alertmanager, from 0.23 on. `page` and `ticket` go to their topics, at the beginning and at the end; what
 * has neither severity, such as the chart's own warnings and its Watchdog, is shown in its page and sent to nobody.
 * Source: Prometheus documentation, "Alerting configuration".
 */
export function alertmanagerConfig({ topics, region, from }: AlertDelivery) {
  const severities = Object.keys(topics) as Severity[];
  return {
    route: {
      receiver: 'nobody',
      // One message an alert, however many pods have it.
      group_by: ['alertname', 'namespace', 'service'],
      group_wait: '30s',
      group_interval: '5m',
      routes: severities.map((severity) => ({
        receiver: severity,
        matchers: [`severity =~ "${severityOf[severity]}"`],
        repeat_interval: again[severity],
      })),
    },
    inhibit_rules: [
      // Who was called because a budget is burning fast needs no ticket that it also burns slowly.
      {
        source_matchers: ['severity = "page"', 'objective != ""'],
        target_matchers: ['severity = "ticket"'],
        equal: ['namespace', 'service', 'objective'],
      },
    ],
    receivers: [
      { name: 'nobody' },
      ...severities.map((severity) => ({
        name: severity,
        sns_configs: [
          {
            topic_arn: topics[severity],
            sigv4: { region },
            send_resolved: true,
            // SNS takes 100 characters of ASCII. Source: Amazon SNS API reference, Publish.
            subject: `{{ .Status | toUpper }} {{ .CommonLabels.alertname }} ${from}`,
            message,
          },
        ],
      })),
    ],
  };
}
