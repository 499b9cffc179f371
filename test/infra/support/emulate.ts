// Templates for an emulator that knows only some types: the others are left out, and what refers to them is given a stand-in.
import type { Json, Template } from './templates.ts';

/** @returns what the emulator is given, and the types that it is not */
export function emulatable(template: Template, unknown: ReadonlySet<string>): { template: Template; left: string[] } {
  const isLeft = (type: string) => unknown.has(type) || type.startsWith('Custom::');
  const gone = new Set(Object.entries(template.Resources).flatMap(([id, { Type }]) => (isLeft(Type) ? [id] : [])));
  const left = [...new Set(Object.values(template.Resources).map(({ Type }) => Type))].filter(isLeft).sort();

  function replaced(value: Json): Json {
    if (Array.isArray(value)) return value.map(replaced);
    if (typeof value !== 'object' || value === null) return value;
    const { Ref, 'Fn::GetAtt': attribute } = value;
    const id = typeof Ref === 'string' ? Ref : Array.isArray(attribute) ? attribute[0] : undefined;
    if (typeof id === 'string' && gone.has(id)) return `left-out-${id}`;
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, replaced(member)]));
  }
  const kept = Object.entries(template.Resources)
    .filter(([id]) => !gone.has(id))
    .map(([id, { DependsOn, Metadata: _, ...resource }]) => {
      const needs = [DependsOn ?? []].flat().filter((each) => !gone.has(each));
      return [id, { ...(replaced(resource as never) as object), ...(needs.length > 0 ? { DependsOn: needs } : {}) }];
    });
  return {
    template: {
      Resources: Object.fromEntries(kept),
      ...(template.Outputs === undefined ? {} : { Outputs: replaced(template.Outputs as never) as never }),
    },
    left,
  };
}
