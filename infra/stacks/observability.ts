import { CfnAlarm, CfnDashboard } from 'aws-cdk-lib/aws-cloudwatch';
import { CfnMetricFilter } from 'aws-cdk-lib/aws-logs';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import type { Construct } from 'constructs';
import { certificateParameter, type Severity } from '../../config/aws-names.ts';
import { alarmName, alarms, describe } from '../../observability/cloudwatch/alarms/index.ts';
import { dashboardBody } from '../../observability/cloudwatch/dashboard.ts';
import { factsOf } from '../../observability/cloudwatch/facts.ts';
import { type Alarm, insightsText, type Metric } from '../../observability/cloudwatch/model.ts';
import { metricFilters } from '../../observability/cloudwatch/publisher.ts';
import type { AwsEnvironment } from '../environment.ts';
import { watching } from '../stack-order.ts';
import { EnvironmentStack } from './base.ts';

export interface ObservabilityStackProps {
  /** Who is told of alarms, and of their end. */
  topics: Record<Severity, ITopic>;
}

/** What is looked at, and what wakes people: rendered from observability/cloudwatch/, where the thinking is. */
export class ObservabilityStack extends EnvironmentStack {
  constructor(scope: Construct, environment: AwsEnvironment, { topics }: ObservabilityStackProps) {
    super(scope, watching, environment, 'Metrics of the access log, dashboard, alarms');
    // Made again in a minute: `make destroy` starts with it, and may be started again.
    this.terminationProtection = false;
    // The edge stack makes a certificate where there is a zone.
    const certificateArn =
      environment.aws.zone === undefined
        ? undefined
        : StringParameter.valueForStringParameter(this, certificateParameter(environment));
    const facts = factsOf(environment, certificateArn);
    for (const { id, logGroup, pattern, metric } of metricFilters(facts)) {
      new CfnMetricFilter(this, id, {
        logGroupName: logGroup,
        filterName: `${facts.prefix}-${id}`,
        filterPattern: pattern,
        metricTransformations: [
          {
            metricNamespace: metric.namespace,
            metricName: metric.name,
            metricValue: metric.value,
            unit: metric.unit,
            ...(metric.otherwise === undefined ? {} : { defaultValue: metric.otherwise }),
          },
        ],
      });
    }
    new CfnDashboard(this, 'dashboard', {
      dashboardName: facts.prefix,
      dashboardBody: this.toJsonString(dashboardBody(facts)),
    });
    for (const alarm of alarms(facts)) {
      const { topicArn } = topics[alarm.severity];
      new CfnAlarm(this, alarm.name, {
        alarmName: alarmName(facts, alarm),
        alarmDescription: describe(alarm),
        ...measured(alarm),
        comparisonOperator: alarm.bad === 'from' ? 'GreaterThanOrEqualToThreshold' : 'LessThanThreshold',
        threshold: alarm.threshold,
        evaluationPeriods: alarm.periods.of,
        datapointsToAlarm: alarm.periods.bad,
        treatMissingData: alarm.missing,
        ...(alarm.fewSamples === undefined ? {} : { evaluateLowSampleCountPercentile: alarm.fewSamples.is }),
        alarmActions: [topicArn],
        okActions: [topicArn],
      });
    }
  }
}

const dimensionsOf = ({ dimensions }: Metric) => Object.entries(dimensions).map(([name, value]) => ({ name, value }));

/** What an alarm is on: a metric, metric math, or a query of Metrics Insights. */
function measured({ measure }: Alarm) {
  if ('metric' in measure) {
    const { namespace, name: metricName, statistic, periodSeconds: period } = measure.metric;
    const statisticOf = statistic.startsWith('p') ? { extendedStatistic: statistic } : { statistic };
    return { namespace, metricName, dimensions: dimensionsOf(measure.metric), period, ...statisticOf };
  }
  if ('insights' in measure) {
    const { insights } = measure;
    return {
      metrics: [
        {
          id: 'q1',
          expression: insightsText(insights),
          returnData: true,
          period: insights.periodSeconds,
          label: insights.name,
        },
      ],
    };
  }
  const { math, label } = measure;
  return {
    metrics: [
      ...Object.entries(math.of).map(([id, metric]) => ({
        id,
        returnData: false,
        metricStat: {
          metric: { namespace: metric.namespace, metricName: metric.name, dimensions: dimensionsOf(metric) },
          period: metric.periodSeconds,
          stat: metric.statistic,
        },
      })),
      { id: 'result', expression: math.expression, label, returnData: true },
    ],
  };
}
