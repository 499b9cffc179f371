import { createWorld, endWorld } from '../support/world.ts';
import { startService } from '../support/service.ts';
import { beginUpload, hashDownload, writeRandom } from '../support/uploads.ts';
const GB = 400_000_000;
it('x', async () => {
  const world = await createWorld();
  const key = { 'X-API-Key': world.adminKey };
  for (const s3 of [false, true]) for (const nodeFlags of [[], ['--max-semi-space-size=1'], ['--trace-gc']]) {
    const env = s3 ? { ...(await world.s3Environment()), OBJECTS_DIR: undefined } : world.environment;
    const up = await startService(env, { nodeFlags });
    const down = await startService(env, { nodeFlags });
    const idle = [up.peakMemory(), down.peakMemory()];
    const { request, answer } = beginUpload(up.url, { ...key, 'Content-Length': `${GB}` });
    await writeRandom(request, GB);
    const { body } = await answer;
    await hashDownload(`${down.url}${body.url}`, key);
    require('fs').appendFileSync('/tmp/mem.log', `${s3} ${nodeFlags} ` + [up, down].map((r, n) => idle[n] / 1e6 + ' + ' + (r.peakMemory() - idle[n]) / 1e6).join(' | ') + '\n');
    if (nodeFlags[0] === '--trace-gc') require('fs').writeFileSync('/tmp/gc-' + s3, up.logs.map((l) => l.text ?? '').join('\n')+'\n=====\n'+ down.logs.map((l) => l.text ?? '').join('\n'));
    await up.stop(); await down.stop();
  }
  await endWorld();
}, 200000);
