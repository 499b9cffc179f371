// What the figures were measured on; nothing that names the machine.
import { cpus, totalmem } from 'node:os';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import type { Stage } from './stage.ts';

export async function describeMachine({ redisUrl, postgresUrl, rounds }: Stage): Promise<string> {
  const redis = new Redis(redisUrl);
  const redisVersion = /redis_version:(\S+)/.exec(await redis.info('server'))?.[1];
  redis.disconnect();
  const client = new Client({ connectionString: postgresUrl });
  await client.connect();
  const { rows } = await client.query<{ server_version: string }>('SHOW server_version');
  await client.end();
  const cores = cpus();
  return [
    `Measured on ${new Date().toISOString().slice(0, 10)} in ${rounds} rounds:`,
    `${cores.length} cores of ${cores[0]?.model.trim()}, ${Math.round(totalmem() / 1024 ** 3)} GB,`,
    `Node ${process.versions.node}, Redis ${redisVersion}, PostgreSQL ${rows[0]?.server_version.split(' ')[0]}.`,
  ].join(' ');
}
