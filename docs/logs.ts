// The page docs/logs.md, from the schema of the log and the questions that are asked of it.
import * as z from 'zod';
import { environmentNamed } from '../config/environments.ts';
import { common, error } from '../observability/logs/fields.ts';
import { type Question, questions } from '../observability/logs/questions.ts';
import { type LogEvent, logEvents } from '../observability/logs/schema.ts';

type Table = (head: readonly string[], rows: readonly (readonly unknown[])[]) => string;
type Shape = Readonly<Record<string, z.ZodType>>;

interface JsonSchema {
  $ref?: string;
  type?: string | string[];
  format?: string;
  enum?: string[];
  items?: JsonSchema;
  anyOf?: JsonSchema[];
  description?: string;
  unit?: string;
}

function typeOf({ $ref, type = 'object', format, enum: values, items, anyOf }: JsonSchema): string {
  if ($ref !== undefined || type === 'object') return anyOf ? anyOf.map(typeOf).join(' or ') : 'error';
  if (Array.isArray(type)) return type.join(' or ');
  if (values !== undefined) return values.map((value) => `\`${value}\``).join(', ');
  if (type === 'array') return `list of ${typeOf(items ?? {})}`;
  return format === 'date-time' || format === 'uuid' ? `${type} (${format})` : type;
}

/** One row a field: name, type, unit, meaning. */
function rowsOf(shape: Shape): string[][] {
  return Object.entries(shape).map(([name, schema]) => {
    const json = z.toJSONSchema(schema, { io: 'input', reused: 'inline', cycles: 'ref' }) as JsonSchema;
    const inner = schema instanceof z.ZodOptional ? (schema.unwrap() as z.ZodType) : schema;
    const { description = '', unit = '' } = { ...(inner.meta() ?? {}), ...(schema.meta() ?? {}) } as JsonSchema;
    const optional = schema instanceof z.ZodOptional ? ', may be missing' : '';
    return [`\`${name}\``, `${inner === error ? 'error' : typeOf(json)}${optional}`, unit, description];
  });
}

function sectionOf([name, { kind, levels, meaning, fields }]: [string, LogEvent], table: Table): string {
  const rows = rowsOf(fields);
  const own = rows.length === 0 ? 'No fields of its own.' : table(['field', 'type', 'unit', 'meaning'], rows);
  return `### ${name}\n\n${kind}, level ${levels.join(' or ')}. ${meaning}\n\n${own}\n`;
}

const shell = (parameters: readonly string[]) => parameters.map((name) => ` --arg ${name} …`).join('');

function answerOf({ question, parameters, insights, jq }: Question): string {
  return `### ${question}\n\n\`\`\`\n${insights}\n\`\`\`\n\n\`\`\`sh\nlogs | jq -nRc${shell(parameters)} '${jq}'\n\`\`\`\n`;
}

export function logsPage(table: Table): string {
  const { namespace, service } = environmentNamed('local');
  const labels = `app.kubernetes.io/name=${service.name},app.kubernetes.io/component=web`;
  return `# Log

Made from \`observability/logs\` by \`make docs\`. The service writes one JSON object a line to standard output; a test drives it through
all its routes and faults and holds every line against this schema, in which a field that is not listed is a fault.
Commands (\`migrate\`, \`bootstrap\`, \`admin-key\`) print plain text.

No line holds a key, a password, a cookie, a body or the query of a URL. \`keyId\` is who acted, \`target\` what was acted upon.

## On every line

${table(['field', 'type', 'unit', 'meaning'], [...rowsOf(common), ['`event`', 'string', '', 'Which of the events below it is.']])}

## An error

${table(['field', 'type', 'unit', 'meaning'], rowsOf(error.shape as unknown as Shape))}

## Events

${Object.entries<LogEvent>(logEvents)
  .map((event) => sectionOf(event, table))
  .join('\n')}
## Questions

The first form of each is for CloudWatch Logs Insights, on the log group \`/aws/containerinsights/<cluster>/application\`. The second is for
[jq](https://jqlang.org) wherever \`kubectl\` reaches the cluster, after

\`\`\`sh
logs() {
  for previous in true false; do
    kubectl logs --namespace ${namespace} --selector ${labels} --container ${service.name} --tail=-1 --ignore-errors --previous=$previous
  done
}
\`\`\`

which prints what each container that ended in a pod that is still there has left, then what the running ones have written (\`previous terminated
container … not found\` among it means that a pod had only one, and jq passes over it). It sees no more: a pod that is gone, as after a rollout, a
scale-in or a drained node, took its log along, and with it the line \`stopped\`; of a container that restarted more than once the last end alone
is kept; and of each container only its newest file, which the kubelet begins anew at 10 MiB (\`containerLogMaxSize\`, its default). CloudWatch has
the rest, so in AWS ask there when replicas ended.

${questions.map(answerOf).join('\n')}`;
}
