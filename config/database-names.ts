// Names inside PostgreSQL. The service takes letters, digits and underscores there; its own name may have dashes.

interface Named {
  name: string;
}

/** The database of a service. */
export const databaseName = (service: Named) => service.name.replaceAll('-', '_');

/** Users of the database: the one that changes the schema, and the two of the application, which take turns. */
export function databaseUsers(service: Named) {
  const database = databaseName(service);
  return { migrator: `${database}_migrator`, appA: `${database}_app_a`, appB: `${database}_app_b` };
}
