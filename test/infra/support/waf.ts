// What a web ACL says to a request, from its rules as data. The managed groups are stood in for by the rules that matter here.
import type { Json } from './templates.ts';

export interface WebRequest {
  path: string;
  query?: string;
  body?: string;
  userAgent?: string;
  /** Requests of this address in the last five minutes. */
  rate?: number;
}
type Members = Record<string, Json>;

/** What WAF reads of a body before it is cut off, at a load balancer. Source: WAF developer guide, "Oversize web request components". */
const bodyRead = 8192;
const sql = /('|%27)\s*(or|and)\s+\d|union\s+select/i;
const script = /<script/i;
const jndi = /\$\{jndi:/i;
const javaCall = /\(java\.lang\.Runtime\)/;

/** Rules of AWS' groups, by the group: name, label, and when each matches. */
const managed: Readonly<
  Record<string, readonly { name: string; label: string; matches: (r: WebRequest) => boolean }[]>
> = {
  AWSManagedRulesCommonRuleSet: [
    {
      name: 'SizeRestrictions_BODY',
      label: 'core-rule-set:SizeRestrictions_Body',
      matches: ({ body = '' }) => body.length > bodyRead,
    },
    {
      name: 'CrossSiteScripting_BODY',
      label: 'core-rule-set:CrossSiteScripting_Body',
      matches: ({ body = '' }) => script.test(body.slice(0, bodyRead)),
    },
    {
      name: 'CrossSiteScripting_QUERYARGUMENTS',
      label: 'core-rule-set:CrossSiteScripting_QueryArguments',
      matches: ({ query = '' }) => script.test(query),
    },
    {
      name: 'NoUserAgent_HEADER',
      label: 'core-rule-set:NoUserAgent_Header',
      matches: ({ userAgent = 'curl' }) => userAgent === '',
    },
  ],
  AWSManagedRulesKnownBadInputsRuleSet: [
    {
      name: 'Log4JRCE_BODY',
      label: 'known-bad-inputs:Log4JRCE_Body',
      matches: ({ body = '' }) => jndi.test(body.slice(0, bodyRead)),
    },
    {
      name: 'JavaDeserializationRCE_BODY',
      label: 'known-bad-inputs:JavaDeserializationRCE_Body',
      matches: ({ body = '' }) => javaCall.test(body.slice(0, bodyRead)),
    },
    {
      name: 'Log4JRCE_QUERYSTRING',
      label: 'known-bad-inputs:Log4JRCE_QueryString',
      matches: ({ query = '' }) => jndi.test(decodeURIComponent(query)),
    },
  ],
  AWSManagedRulesSQLiRuleSet: [
    {
      name: 'SQLi_BODY',
      label: 'sql-database:SQLi_Body',
      matches: ({ body = '' }) => sql.test(body.slice(0, bodyRead)),
    },
    {
      name: 'SQLi_QUERYARGUMENTS',
      label: 'sql-database:SQLi_QueryArguments',
      matches: ({ query = '' }) => sql.test(decodeURIComponent(query)),
    },
  ],
};

/** @returns `allow`, or the rule that refuses the request */
export function verdict(acl: Members, request: WebRequest): string {
  const labels = new Set<string>();
  const rules = [...(acl.Rules as Members[])].sort((a, b) => Number(a.Priority) - Number(b.Priority));
  for (const { Name, Action, Statement } of rules) {
    const group = (Statement as Members).ManagedRuleGroupStatement as Members | undefined;
    if (group === undefined) {
      if ((Action as Members).Block !== undefined && matches(Statement as Members, request, labels))
        return String(Name);
      continue;
    }
    const counted = ((group.RuleActionOverrides ?? []) as Members[])
      .filter(({ ActionToUse }) => (ActionToUse as Members).Count !== undefined)
      .map((override) => override.Name);
    for (const rule of managed[String(group.Name)] ?? []) {
      if (!rule.matches(request)) continue;
      labels.add(`awswaf:managed:aws:${rule.label}`);
      if (!counted.includes(rule.name)) return rule.name;
    }
  }
  return (acl.DefaultAction as Members).Allow === undefined ? 'default' : 'allow';
}

function matches(statement: Members, request: WebRequest, labels: ReadonlySet<string>): boolean {
  const [kind] = Object.keys(statement);
  const inner = statement[kind as string] as Members;
  const all = () => inner.Statements as Members[];
  switch (kind) {
    case 'AndStatement':
      return all().every((each) => matches(each, request, labels));
    case 'OrStatement':
      return all().some((each) => matches(each, request, labels));
    case 'NotStatement':
      return !matches(inner.Statement as Members, request, labels);
    case 'LabelMatchStatement':
      return labels.has(String(inner.Key));
    case 'RateBasedStatement':
      return (request.rate ?? 0) > Number(inner.Limit);
    case 'ByteMatchStatement':
      if (inner.PositionalConstraint !== 'EXACTLY') throw new Error(`no ${inner.PositionalConstraint} here`);
      return request.path === inner.SearchString;
    default:
      throw new Error(`no ${kind} here`);
  }
}
