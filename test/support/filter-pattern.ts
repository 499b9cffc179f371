// What a metric filter of CloudWatch Logs makes of a JSON line, for the part of its pattern language that is used here.
// Source: CloudWatch Logs user guide, "Filter pattern syntax for metric filters": conditions on members, joined by &&.

const condition = /^\$\.(?<path>[\w.]+) (?<operator>=|!=|>=|<=|>|<) (?:"(?<text>[^"]*)"|(?<number>-?\d+(?:\.\d+)?))$/;

/** @returns the member, or undefined where there is none */
export function member(line: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((value, name) => {
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
  }, line);
}

function holds(text: string, line: unknown): boolean {
  const found = condition.exec(text)?.groups;
  if (found === undefined) throw new Error(`not a condition known here: ${text}`);
  const value = member(line, found.path as string);
  if (found.text !== undefined) {
    if (found.operator === '=') return value === found.text;
    if (found.operator === '!=') return value !== undefined && value !== found.text;
    throw new Error(`${found.operator} is for numbers: ${text}`);
  }
  const number = Number(found.number);
  if (typeof value !== 'number') return false;
  switch (found.operator) {
    case '=':
      return value === number;
    case '!=':
      return value !== number;
    case '>=':
      return value >= number;
    case '<=':
      return value <= number;
    case '>':
      return value > number;
    default:
      return value < number;
  }
}

/** Whether the filter counts the line. @throws when the pattern is more than is known here */
export function matches(pattern: string, line: unknown): boolean {
  const inner = /^\{ (.*) \}$/.exec(pattern)?.[1];
  if (inner === undefined) throw new Error(`not a pattern for JSON: ${pattern}`);
  return inner.split(' && ').every((part) => {
    const text = /^\((.*)\)$/.exec(part)?.[1];
    if (text === undefined) throw new Error(`not in parentheses: ${part}`);
    return holds(text, line);
  });
}
