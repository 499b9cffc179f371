// The templates as `node infra/main.ts` writes them: made once for all test files, read as plain data.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const root = join(__dirname, '..', '..', '..');
/** Where the global setup has the templates written. */
export const outdir = join(root, '.cache', 'infra-test', 'all');
/** What that said. */
export const synthSaid = join(root, '.cache', 'infra-test', 'said.txt');
/** What CPU time that took, in microseconds: process.cpuUsage() as JSON. */
export const synthCpu = join(root, '.cache', 'infra-test', 'cpu.json');

export type Json = string | number | boolean | null | Json[] | { [member: string]: Json };
export interface Resource {
  Type: string;
  Properties: Record<string, Json>;
  DeletionPolicy?: string;
  DependsOn?: string | string[];
  Metadata?: Record<string, Json>;
}
export interface Template {
  Resources: Record<string, Resource>;
  Outputs?: Record<string, { Value: Json; Export?: { Name: Json } }>;
  Parameters?: Record<string, Json>;
}

interface Artifact {
  type: string;
  properties: { templateFile: string; stackName?: string };
  displayName?: string;
}

/** Stack name, such as slipway-production-network → its template. */
export function templates(folder = outdir): Map<string, Template> {
  const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as {
    artifacts: Record<string, Artifact>;
  };
  return new Map(
    Object.values(manifest.artifacts)
      .filter(({ type }) => type === 'aws:cloudformation:stack')
      .map(({ properties: { stackName, templateFile } }) => [
        stackName as string,
        JSON.parse(readFileSync(join(folder, templateFile), 'utf8')) as Template,
      ]),
  );
}

/** @param stack such as network */
export function template(environment: string, stack: string, folder = outdir): Template {
  const all = templates(folder);
  const found = all.get(`slipway-${environment}-${stack}`);
  if (found === undefined) throw new Error(`no stack ${stack} of ${environment} in ${[...all.keys()].join(', ')}`);
  return found;
}

/** The resources of a type, by logical id. */
export function ofType(from: Template, type: string): Record<string, Resource> {
  return Object.fromEntries(Object.entries(from.Resources).filter(([, { Type }]) => Type === type));
}

/** The properties of all resources of a type. */
export const propertiesOf = (from: Template, type: string): Record<string, Json>[] =>
  Object.values(ofType(from, type)).map(({ Properties }) => Properties ?? {});

/** The only one of its type. */
export function only(from: Template, type: string): Record<string, Json> {
  const found = propertiesOf(from, type);
  if (found.length !== 1) throw new Error(`${found.length} resources of ${type}`);
  return found[0] as Record<string, Json>;
}

/** The logical id that a Ref or GetAtt names. */
export function idOf(reference: Json | undefined): string | undefined {
  if (typeof reference !== 'object' || reference === null || Array.isArray(reference)) return undefined;
  const { Ref, 'Fn::GetAtt': attribute } = reference;
  if (typeof Ref === 'string') return Ref;
  return Array.isArray(attribute) && typeof attribute[0] === 'string' ? attribute[0] : undefined;
}

/** The statements of a role's policies, by part of its logical id. */
export function statements(
  of: Template,
  role: RegExp,
): { Action: string | string[]; Resource: unknown; Condition?: unknown }[] {
  return Object.values(ofType(of, 'AWS::IAM::Policy'))
    .filter(({ Properties }) => (Properties.Roles as never[]).some((each) => role.test(idOf(each) ?? '')))
    .flatMap(({ Properties }) => (Properties.PolicyDocument as { Statement: never[] }).Statement);
}

/** All templates of a folder as text, by file. */
export const texts = (folder: string): Map<string, string> =>
  new Map(
    readdirSync(folder)
      .filter((file) => file.endsWith('.template.json') || file.endsWith('.assets.json'))
      .map((file) => [file, readFileSync(join(folder, file), 'utf8')]),
  );
