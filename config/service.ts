/** The service that all environments run. An adopter puts the name of theirs here. */
export const service = { name: 'slipway', httpPort: 3000, metricsPort: 9090 };
