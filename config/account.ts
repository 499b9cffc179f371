/** The AWS account that holds registry and buckets, for all environments. Put your own here: the sample one is refused by a deployment. */
export const accountId = '111122223333';

/** The account id of AWS' own documentation, which belongs to nobody. */
export const sampleAccountId = '111122223333';

/** Addresses of those who operate the clusters: office, VPN, build machines. Put yours here: the sample is refused like the account. */
export const allowedCidrs = ['203.0.113.0/24'];

/** A range of RFC 5737 for documentation, which belongs to nobody. */
export const sampleCidr = '203.0.113.0/24';

/** Who administers the clusters: roles (not sessions of them) or users that exist. Put yours here. */
export const adminRoleArns = [`arn:aws:iam::${accountId}:role/platform-admin`];
