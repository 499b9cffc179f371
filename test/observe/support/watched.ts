/**
 * What an alert watches: its expression without comparisons with a number, and without `absent` around it.
 *
 * @param expression of an alert, in PromQL
 * @returns an expression that has series also when all is well
 */
export const watchedBy = (expression: string): string =>
  expression.replace(/^absent\((.*)\)$/, '$1').replace(/ (==|>=|<=|>|<) -?[\d.]+/g, '');
