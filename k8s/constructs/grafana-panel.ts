// A panel of the model as Grafana draws it.
import {
  BigValueColorMode,
  BigValueGraphMode,
  BigValueTextMode,
  type DataSourceRef,
  GraphThresholdsStyleConfigBuilder,
  GraphThresholdsStyleMode,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import {
  FieldColorBuilder,
  FieldColorModeId,
  type Panel as GrafanaPanel,
  type GridPos,
  type Threshold as Step,
  ThresholdsConfigBuilder,
  ThresholdsMode,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TimeseriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import {
  BytesIEC,
  BytesPerSecondIEC,
  CountsPerMinute,
  CountsPerSecond,
  PercentUnit,
  Seconds,
  Short,
} from '@grafana/grafana-foundation-sdk/units';
import type { Panel, Scope, Threshold, Unit } from '../../observability/model.ts';

/** What Grafana calls our units. Its percent unit shows 0.5 as 50 %; it has none of cores. */
export const grafanaUnits: Readonly<Record<Unit, string>> = {
  count: Short,
  'per-second': CountsPerSecond,
  'per-minute': CountsPerMinute,
  seconds: Seconds,
  ratio: PercentUnit,
  bytes: BytesIEC,
  'bytes-per-second': BytesPerSecondIEC,
  cores: 'suffix: cores',
};

const colours = { good: 'green', warning: 'orange', critical: 'red' } as const;

/** The variables that every dashboard has, as its queries name them; `$__rate_interval` is at least four scrapes. */
export const variables = {
  datasource: { type: 'prometheus', uid: '$datasource' } satisfies DataSourceRef,
  scope: { namespace: '$namespace', service: '$service', range: '$__rate_interval' } satisfies Scope,
};

/**
 * Grafana knows from which value on a colour holds; ours may hold below a value.
 *
 * @throws Error when thresholds of both directions are in one panel, as no row of steps means both
 */
export function steps(id: string, thresholds: readonly Threshold[]): Step[] {
  const below = thresholds.filter((each) => each.below);
  const sorted = thresholds.toSorted((one, other) => one.value - other.value);
  if (below.length === 0) {
    return [
      { value: null, color: colours.good },
      ...sorted.map(({ value, severity }) => ({ value, color: colours[severity] })),
    ];
  }
  if (below.length < thresholds.length) throw new Error(`the panel ${id} has thresholds of both directions`);
  const colour = (index: number) => {
    const next = sorted[index];
    return next === undefined ? colours.good : colours[next.severity];
  };
  return [
    { value: null, color: colour(0) },
    ...sorted.map(({ value }, index) => ({ value, color: colour(index + 1) })),
  ];
}

/** @param id number of the panel, unique in its dashboard */
export function grafanaPanel(panel: Panel, id: number, position: GridPos): GrafanaPanel {
  const { thresholds = [] } = panel;
  const number = panel.kind === 'number';
  const builder = number ? stat(panel) : timeseries(thresholds.length > 0);
  builder
    .id(id)
    .title(panel.title)
    .description(panel.question)
    .gridPos(position)
    .datasource(variables.datasource)
    .unit(grafanaUnits[panel.unit])
    .noValue(panel.noData)
    .thresholds(new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps(panel.id, thresholds)));
  for (const [index, { legend, expression }] of panel.queries.entries()) {
    const query = new DataqueryBuilder()
      .refId(String.fromCharCode(65 + index))
      .datasource(variables.datasource)
      .expr(expression(variables.scope))
      .legendFormat(legend);
    builder.withTarget(number ? query.instant() : query.range());
  }
  return builder.build();
}

function stat({ queries, thresholds }: Panel): StatBuilder {
  return new StatBuilder()
    .graphMode(BigValueGraphMode.None)
    .colorMode(thresholds === undefined ? BigValueColorMode.None : BigValueColorMode.Value)
    .textMode(queries.length > 1 ? BigValueTextMode.ValueAndName : BigValueTextMode.Value)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']));
}

function timeseries(withThresholds: boolean): TimeseriesBuilder {
  const style = withThresholds ? GraphThresholdsStyleMode.Dashed : GraphThresholdsStyleMode.Off;
  return new TimeseriesBuilder()
    .min(0)
    .lineWidth(1)
    .fillOpacity(0)
    .showPoints(VisibilityMode.Never)
    .colorScheme(new FieldColorBuilder().mode(FieldColorModeId.PaletteClassic))
    .thresholdsStyle(new GraphThresholdsStyleConfigBuilder().mode(style))
    .legend(
      new VizLegendOptionsBuilder()
        .displayMode(LegendDisplayMode.List)
        .placement(LegendPlacement.Bottom)
        .showLegend(true)
        .calcs([]),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi));
}
