type Values = Record<string, unknown>;
const isObject = (value: unknown): value is Values =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Values with some of them changed; a list is one value, and null takes a value away. */
export function merged(values: object, change: object): object {
  const result: Values = { ...values };
  for (const [name, value] of Object.entries(change)) {
    const before = result[name];
    if (value === null) delete result[name];
    else result[name] = isObject(value) && isObject(before) ? merged(before, value) : value;
  }
  return result;
}
