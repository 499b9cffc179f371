// What the web ACL looks at, in its order. Bodies of uploads are the user's own bytes: there, body rules only count.
import type * as wafv2 from 'aws-cdk-lib/aws-wafv2';

/** Path of the service that takes bodies of any kind and length; a test holds it against the service's own. */
export const uploadPath = '/upload';

export interface WebAclRulesOptions {
  /** Most requests of one address in five minutes. */
  requestsPerFiveMinutes: number;
  /** Path whose bodies may be anything. */
  uploadPath: string;
}

interface ManagedGroup {
  name: string;
  /** Rules that read bodies → the label that each leaves. Source: WAF developer guide, "AWS Managed Rules rule groups list". */
  bodyRules: Readonly<Record<string, string>>;
}

const coreLabel = (rule: string) => `awswaf:managed:aws:core-rule-set:${rule}_Body`;
const sqlLabel = (rule: string) => `awswaf:managed:aws:sql-database:${rule}_Body`;
const badInputLabel = (rule: string) => `awswaf:managed:aws:known-bad-inputs:${rule}_Body`;

export const managedGroups: readonly ManagedGroup[] = [
  { name: 'AWSManagedRulesAmazonIpReputationList', bodyRules: {} },
  {
    name: 'AWSManagedRulesKnownBadInputsRuleSet',
    bodyRules: {
      JavaDeserializationRCE_BODY: badInputLabel('JavaDeserializationRCE'),
      Log4JRCE_BODY: badInputLabel('Log4JRCE'),
      ReactJSRCE_BODY: badInputLabel('ReactJSRCE'),
    },
  },
  {
    name: 'AWSManagedRulesCommonRuleSet',
    bodyRules: {
      SizeRestrictions_BODY: coreLabel('SizeRestrictions'),
      CrossSiteScripting_BODY: coreLabel('CrossSiteScripting'),
      GenericLFI_BODY: coreLabel('GenericLFI'),
      GenericRFI_BODY: coreLabel('GenericRFI'),
      EC2MetaDataSSRF_BODY: coreLabel('EC2MetaDataSSRF'),
    },
  },
  {
    name: 'AWSManagedRulesSQLiRuleSet',
    bodyRules: { SQLi_BODY: sqlLabel('SQLi'), SQLiExtendedPatterns_BODY: sqlLabel('SQLiExtendedPatterns') },
  },
];

export function webAclRules({
  requestsPerFiveMinutes,
  uploadPath,
}: WebAclRulesOptions): wafv2.CfnWebACL.RuleProperty[] {
  const labels = managedGroups.flatMap(({ bodyRules }) => Object.values(bodyRules));
  const rules: Omit<wafv2.CfnWebACL.RuleProperty, 'priority' | 'visibilityConfig'>[] = [
    {
      name: 'rate',
      action: { block: { customResponse: { responseCode: 429 } } },
      statement: {
        rateBasedStatement: { limit: requestsPerFiveMinutes, aggregateKeyType: 'IP', evaluationWindowSec: 300 },
      },
    },
    ...managedGroups.map(({ name, bodyRules }) => ({
      name,
      overrideAction: { none: {} },
      statement: {
        managedRuleGroupStatement: {
          vendorName: 'AWS',
          name,
          ruleActionOverrides: Object.keys(bodyRules).map((rule) => ({ name: rule, actionToUse: { count: {} } })),
        },
      },
    })),
    {
      name: 'bodies-except-uploads',
      action: { block: {} },
      statement: {
        andStatement: {
          statements: [
            { orStatement: { statements: labels.map((key) => ({ labelMatchStatement: { scope: 'LABEL', key } })) } },
            {
              notStatement: {
                statement: {
                  byteMatchStatement: {
                    searchString: uploadPath,
                    fieldToMatch: { uriPath: {} },
                    positionalConstraint: 'EXACTLY',
                    textTransformations: [{ priority: 0, type: 'NONE' }],
                  },
                },
              },
            },
          ],
        },
      },
    },
  ];
  return rules.map((rule, priority) => ({ ...rule, priority, visibilityConfig: visible(rule.name) }));
}

export const visible = (metricName: string): wafv2.CfnWebACL.VisibilityConfigProperty => ({
  cloudWatchMetricsEnabled: true,
  sampledRequestsEnabled: true,
  metricName,
});
