// Starts everything in order, and stops it in reverse.
import { createApp } from './app.ts';
import { createBurners } from './burners.ts';
import { createCalls } from './calls.ts';
import { openDatabase } from './database/pools.ts';
import { waitForSchema } from './database/schema.ts';
import { createDrain } from './drain.ts';
import { createHealth } from './health.ts';
import { createLog } from './log.ts';
import { createMetrics } from './metrics.ts';
import { createApiServer, createMetricsServer, listen } from './server.ts';
import type { Services } from './services.ts';
import type { Settings } from './settings.ts';
import { showState } from './state-metrics.ts';
import { createFiles } from './stores/files.ts';
import { createInvalidation } from './stores/invalidation.ts';
import { createKeys } from './stores/keys.ts';
import { createLimits } from './stores/limits.ts';
import { openObjects } from './stores/objects/open.ts';
import { connectRedis, untilConnected } from './stores/redis.ts';
import { withScripts } from './stores/scripts.ts';
import { createSessions } from './stores/sessions.ts';
import { startSweeper } from './stores/sweeper.ts';
import { openTracing } from './tracing/tracing.ts';

/** How long a start waits for Redis. */
const connectWithinMs = 2000;

/** Runs until SIGTERM or SIGINT has drained it. A second signal cuts the drain short. */
export async function serve(settings: Settings): Promise<number> {
  const { logger: log, flush } = createLog(settings);
  process.on('uncaughtExceptionMonitor', (error) => {
    log.fatal({ event: 'crash', error });
    flush();
  });
  const metrics = createMetrics(settings.INSTANCE);
  const tracing = await openTracing(settings, log);
  const calls = createCalls(metrics, tracing);
  const redis = withScripts(await connectRedis(settings, 'commands'), calls);
  const subscriber = await connectRedis(settings, 'subscriber');
  const database = openDatabase(settings, log, calls);
  const objects = openObjects(settings, { calls, traceparent: tracing?.traceparent });
  const invalidation = createInvalidation({ redis, subscriber, prefix: settings.REDIS_PREFIX });
  const limits = createLimits(redis, settings);
  const keys = createKeys({ database, invalidation, log });
  const files = createFiles({ database, objects, invalidation, settings, log });
  const burners = createBurners(settings.LOAD_WORKERS);
  const health = createHealth({
    redis: () => redis.ping(),
    postgres: () => database.ping(),
    objects: (signal) => objects.ping(signal),
  });
  const services: Services = {
    settings,
    sessions: createSessions(redis, limits, settings),
    files,
    keys,
    limits,
    burners,
    health,
  };

  const server = createApiServer(settings, metrics);
  const drain = createDrain(server, {
    settleMs: settings.DRAIN_SETTLE_SECONDS * 1000,
    longestMs: settings.LONGEST_REQUEST_SECONDS * 1000,
  });
  server.on('request', createApp({ services, log, metrics, drain, tracing }).callback());
  const metricsServer = createMetricsServer(metrics);
  showState(metrics, { database, keys, files, burners, drain });

  const stopped = new Promise<void>((resolve) => {
    const stop = (signal: NodeJS.Signals) => {
      if (drain.draining) {
        drain.cut();
        return;
      }
      log.info({ event: 'drain', signal });
      health.phase = 'draining';
      drain.run().then(resolve);
    };
    process.on('SIGTERM', stop).on('SIGINT', stop);
  });

  const port = await listen(server, settings.PORT, settings.HOST);
  const metricsPort = await listen(metricsServer, settings.METRICS_PORT, settings.HOST);
  log.info({ event: 'listening', port, metricsPort });
  const starting = new AbortController();
  const sweeper = waitForSchema(database, log, starting.signal).then(async () => {
    // A lost Redis does not keep the replica from getting ready, one that is only slow to connect is waited for.
    await untilConnected(redis, connectWithinMs);
    if (health.phase === 'starting') health.phase = 'ready';
    log.info({ event: 'ready' });
    health.dependencies(); // loads the S3 SDK now rather than with the first upload
    return startSweeper({ database, objects, settings, log });
  });
  sweeper.catch(() => undefined); // only a stop while starting gets here

  await stopped;
  starting.abort();
  await sweeper.then((running) => running.stop()).catch(() => undefined);
  await Promise.allSettled([burners.close(), keys.close()]);
  redis.disconnect();
  subscriber.disconnect();
  await Promise.allSettled([database.close(), objects.close(), tracing?.close()]);
  metricsServer.close();
  metricsServer.closeAllConnections();
  log.info({ event: 'stopped' });
  flush();
  return 0;
}
