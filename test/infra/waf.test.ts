import { managedGroups, uploadPath } from '../../infra/constructs/web-acl-rules.ts';
import { upload } from '../../service/routes/upload.post.ts';
import { type Json, only, template } from './support/templates.ts';
import { verdict } from './support/waf.ts';

const acl = only(template('production', 'edge'), 'AWS::WAFv2::WebACL');
const megabyte = 'x'.repeat(1024 ** 2);
const lookup = '\x24{jndi:ldap://x}';
const injection = "1' OR 1=1 --";

describe('E6 the web ACL', () => {
  it.each([
    ['a session request', { path: '/session' }],
    ['an upload of 1 MB', { path: '/upload', body: megabyte }],
    ['an upload that holds SQL', { path: '/upload', body: `INSERT … ${injection}` }],
    ['an upload of a page with scripts', { path: '/upload', body: '<script>alert(1)</script>' }],
    ['an upload of a log that holds an attack', { path: '/upload', body: `GET /?x=${lookup}` }],
    ['an upload of Java', { path: '/upload', body: '((java.lang.Runtime).getRuntime())' }],
    ['a small body elsewhere', { path: '/keys', body: '{"name":"ci"}' }],
    ['as many requests as are allowed', { path: '/session', rate: 10_000 }],
  ])('allows %s', (_, request) => {
    expect(verdict(acl, request)).toBe('allow');
  });

  it.each([
    [
      'an injection in a query',
      { path: '/files', query: `cursor=${encodeURIComponent(injection)}` },
      'SQLi_QUERYARGUMENTS',
    ],
    ['an injection in the query of an upload', { path: '/upload', query: `a=${injection}` }, 'SQLi_QUERYARGUMENTS'],
    ['an injection in a body elsewhere', { path: '/keys', body: injection }, 'bodies-except-uploads'],
    ['an attack on a logger in a body elsewhere', { path: '/keys', body: lookup }, 'bodies-except-uploads'],
    ['an attack on a logger in a query', { path: '/upload', query: `a=${lookup}` }, 'Log4JRCE_QUERYSTRING'],
    ['a body of 1 MB elsewhere', { path: '/session', body: megabyte }, 'bodies-except-uploads'],
    ['a path that only looks like an upload', { path: '/upload/../keys', body: megabyte }, 'bodies-except-uploads'],
    ['a script in a query', { path: '/', query: 'q=<script>' }, 'CrossSiteScripting_QUERYARGUMENTS'],
    ['one request too many', { path: '/session', rate: 10_001 }, 'rate'],
  ])('refuses %s', (_, request, rule) => {
    expect(verdict(acl, request)).toBe(rule);
  });

  it('spares the path at which the service takes uploads', () => {
    expect(uploadPath).toBe(upload.path);
    expect(verdict(acl, { path: upload.path, body: megabyte })).toBe('allow');
  });

  it('would refuse uploads if the body rules did more than count', () => {
    const strict = structuredClone(acl) as { Rules: { Statement: Record<string, Json> }[] };
    for (const { Statement } of strict.Rules) {
      const group = Statement.ManagedRuleGroupStatement as Record<string, Json> | undefined;
      if (group) delete group.RuleActionOverrides;
    }
    expect(verdict(strict as never, { path: '/upload', body: megabyte })).toBe('SizeRestrictions_BODY');
  });

  it('names each managed group once, the body rules of each counted, and shows what it does', () => {
    const rules = acl.Rules as { Name: string; Priority: number; VisibilityConfig: Record<string, Json> }[];
    expect(rules.map(({ Name }) => Name)).toEqual([
      'rate',
      'AWSManagedRulesAmazonIpReputationList',
      'AWSManagedRulesKnownBadInputsRuleSet',
      'AWSManagedRulesCommonRuleSet',
      'AWSManagedRulesSQLiRuleSet',
      'bodies-except-uploads',
    ]);
    expect(rules.map(({ Priority }) => Priority)).toEqual([0, 1, 2, 3, 4, 5]);
    for (const { VisibilityConfig } of rules) expect(VisibilityConfig.CloudWatchMetricsEnabled).toBe(true);
    const bodyRules = managedGroups.flatMap(({ bodyRules }) => Object.entries(bodyRules));
    const overrides = (acl.Rules as Record<string, Json>[]).flatMap(
      ({ Statement }) =>
        ((Statement as Record<string, Record<string, Json>>).ManagedRuleGroupStatement?.RuleActionOverrides ??
          []) as Json[],
    );
    expect(overrides).toEqual(bodyRules.map(([Name]) => ({ Name, ActionToUse: { Count: {} } })));
    // What counts is refused by its label elsewhere: a label that is left out would open a hole.
    const text = JSON.stringify(acl.Rules);
    for (const [, label] of bodyRules) expect(text).toContain(`"Key":"${label}"`);
    expect(bodyRules.length).toBe(10);
  });
});
