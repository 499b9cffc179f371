// The rate of requests of each pod, as prometheus-adapter serves it to the HPA.

/** Name under which it is served. */
export const requestRateMetric = 'http_requests_per_second';

/** The rule by which prometheus-adapter reckons it for the pods of a namespace. */
export const requestRateRule = (namespace: string) => ({
  // Count of the service's histogram.
  seriesQuery: `http_request_duration_seconds_count{namespace="${namespace}",pod!=""}`,
  resources: { overrides: { namespace: { resource: 'namespace' }, pod: { resource: 'pod' } } },
  name: { as: requestRateMetric },
  metricsQuery: 'sum(rate(<<.Series>>{<<.LabelMatchers>>}[1m])) by (<<.GroupBy>>)',
});
