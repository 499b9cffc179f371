// What an operator asks of the log: each question for CloudWatch Logs Insights, and as a filter of jq for `kubectl logs`.

export interface Question {
  /** Unique, in kebab case. */
  id: string;
  question: string;
  /** What has to be filled in: `$name` in the filter of jq (`--arg name value`), `<name>` in the query. */
  parameters: readonly string[];
  /**
   * For CloudWatch Logs Insights on the log group of Container Insights, where Fluent Bit has put the fields of a JSON line
   * under `log_processed` (`Merge_Log_Key` of its application-log.conf) and those of the pod under `kubernetes`.
   */
  insights: string;
  /** For `jq -nRc`, with the log on standard input; lines that are not JSON are passed over. Answers one object a line. */
  jq: string;
}

/** Lines of the log, whatever else there is between them. */
const lines = 'inputs | fromjson? | objects';
const of = (event: string) => `${lines} | select(.event == "${event}")`;

/** Fields by their names in CloudWatch. */
const f = (name: string) => `log_processed.${name}`;
const all = (...names: string[]) => names.map(f).join(', ');
const only = (event: string) => `filter ${f('event')} = "${event}"`;
const query = (...steps: string[]) => steps.join('\n| ');

export const questions: readonly Question[] = [
  {
    id: 'one-request',
    question: 'What happened to the request with this id?',
    parameters: ['id'],
    insights: query(
      `fields @timestamp, kubernetes.pod_name, ${all('event', 'level', 'status', 'code', 'durationMs')}, @message`,
      `filter ${f('requestId')} = "<id>"`,
      'sort @timestamp asc',
    ),
    jq: `${lines} | select(.requestId == $id)`,
  },
  {
    id: 'slowest-routes',
    question: 'Which routes are the slowest?',
    parameters: [],
    insights: query(
      only('access'),
      `stats count(*) as requests, pct(${f('durationMs')}, 95) as p95Ms, max(${f('durationMs')}) as maxMs by ${all('method', 'route')}`,
      'sort p95Ms desc',
    ),
    jq: `[${of('access')}] | group_by([.method, .route]) | map({method: .[0].method, route: .[0].route, requests: length, p95Ms: (map(.durationMs) | sort | .[(length * 0.95 | ceil) - 1]), maxMs: (map(.durationMs) | max)}) | sort_by(-.p95Ms)[]`,
  },
  {
    id: 'who-revoked',
    question: 'Who revoked this key?',
    parameters: ['key'],
    insights: query(
      `fields @timestamp, ${all('keyId', 'keyName', 'client', 'requestId')}`,
      `filter ${f('event')} = "audit" and ${f('action')} = "DELETE /keys/:id" and ${f('target')} = "<key>" and ${f('status')} = 204`,
      'sort @timestamp asc',
    ),
    jq: `${of('audit')} | select(.action == "DELETE /keys/:id" and .target == $key and .status == 204) | {time, keyId, keyName, client, requestId}`,
  },
  {
    id: 'errors-by-code',
    question: 'Which errors do clients get, and how often?',
    parameters: [],
    insights: query(
      only('access'),
      `filter ispresent(${f('code')})`,
      `stats count(*) as requests by ${all('code', 'status')}`,
      'sort requests desc',
    ),
    jq: `[${of('access')} | select(.code)] | group_by([.code, .status]) | map({code: .[0].code, status: .[0].status, requests: length}) | sort_by(-.requests)[]`,
  },
  {
    id: 'one-client',
    question: 'What has this client address asked for?',
    parameters: ['client'],
    insights: query(
      `fields @timestamp, ${all('method', 'path', 'status', 'durationMs', 'keyId', 'requestId')}`,
      `filter ${f('event')} = "access" and ${f('client')} = "<client>"`,
      'sort @timestamp asc',
    ),
    jq: `${of('access')} | select(.client == $client) | {time, method, path, status, durationMs, keyId, requestId}`,
  },
  {
    id: 'failures-by-replica',
    question: 'Which replicas fail requests (5xx but 501, a method that nobody knows)?',
    parameters: [],
    insights: query(
      `filter ${f('event')} = "access" and ${f('status')} >= 500 and ${f('status')} != 501`,
      `stats count(*) as failures by ${f('instance')}`,
      'sort failures desc',
    ),
    jq: `[${of('access')} | select(.status >= 500 and .status != 501)] | group_by(.instance) | map({instance: .[0].instance, failures: length}) | sort_by(-.failures)[]`,
  },
  {
    id: 'uploads-by-key',
    question: 'Which keys have uploaded how many files?',
    parameters: [],
    insights: query(
      `filter ${f('event')} = "audit" and ${f('action')} = "POST /upload" and ${f('status')} = 201`,
      // Sent again with its Idempotency-Key, a file is answered, and audited, once more.
      `stats count_distinct(${f('target')}) as uploads by ${all('keyId', 'keyName')}`,
      'sort uploads desc',
    ),
    jq: `[${of('audit')} | select(.action == "POST /upload" and .status == 201)] | group_by(.keyId) | map({keyId: .[0].keyId, keyName: .[0].keyName, uploads: (map(.target) | unique | length)}) | sort_by(-.uploads)[]`,
  },
  {
    id: 'faults-by-dependency',
    question:
      'Which dependency fails? (`sessions_unavailable` is Redis, `database_unavailable` PostgreSQL, `objects_unavailable` and `storage_full` the object store)',
    parameters: [],
    insights: query(
      only('fault'),
      `stats count(*) as faults, max(@timestamp) as last by ${f('code')}`,
      'sort faults desc',
    ),
    jq: `[${of('fault')}] | group_by(.code) | map({code: .[0].code, faults: length, last: (map(.time) | max)}) | sort_by(-.faults)[]`,
  },
  {
    id: 'starts-and-drains',
    question: 'When did replicas start, drain, end or crash?',
    parameters: [],
    insights: query(
      `fields @timestamp, ${all('instance', 'event', 'signal', 'error.message')}`,
      `filter ${f('event')} in ["listening", "ready", "drain", "stopped", "crash"]`,
      'sort @timestamp asc',
    ),
    jq: `[${lines} | select(.event | IN("listening", "ready", "drain", "stopped", "crash"))] | sort_by(.time)[] | {time, instance, event, signal, error: .error.message}`,
  },
  {
    id: 'rate-limited',
    question: 'Who runs into the rate limits?',
    parameters: [],
    insights: query(
      `filter ${f('event')} = "access" and ${f('code')} = "rate_limited"`,
      `stats count(*) as refused by ${all('client', 'keyId')}`,
      'sort refused desc',
    ),
    jq: `[${of('access')} | select(.code == "rate_limited")] | group_by([.client, .keyId]) | map({client: .[0].client, keyId: .[0].keyId, refused: length}) | sort_by(-.refused)[]`,
  },
];
