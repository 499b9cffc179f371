/** The VPC of an environment in AWS: two zones, each with a subnet for the edge, for pods and for data. */
export const network = {
  vpcCidr: '10.0.0.0/16',
  publicCidrs: ['10.0.1.0/24', '10.0.2.0/24'],
  privateCidrs: ['10.0.11.0/24', '10.0.12.0/24'],
  databaseCidrs: ['10.0.21.0/24', '10.0.22.0/24'],
};
