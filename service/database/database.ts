// What the stores ask of PostgreSQL. pools.ts keeps it.

export interface Queries {
  /**
   * One statement. `name` makes it a prepared statement of that connection.
   * @throws Problem `database_unavailable` when the database cannot be reached or does not answer in time; else the driver's DatabaseError
   */
  query<Row extends object>(statement: { text: string; values?: readonly unknown[]; name?: string }): Promise<Row[]>;
}

export interface Database extends Queries {
  /** Like query, on the reader while it is there and not too far behind, else on the writer. Only for reads that may be a second old. */
  read: Queries['query'];
  /** Runs `use` on one connection of the writer in a transaction: commits, or rolls back when it rejects. */
  transaction<T>(use: (connection: Queries) => Promise<T>): Promise<T>;
  /** Rejects when the writer does not answer. */
  ping(): Promise<void>;
  /** State of the reader; undefined when none is set. `lagMs` is undefined when it is lost. */
  reader(): { used: boolean; lagMs: number | undefined } | undefined;
  /** Counts for metrics, by pool; `size` is the most it may open. */
  pools(): { pool: 'writer' | 'reader'; size: number; total: number; idle: number; waiting: number }[];
  /** Lets queries end, closes connections; at most 5 s. */
  close(): Promise<void>;
}
