// Real load of every kind on a running service, so that each panel has something to draw.
import { setTimeout as sleep } from 'node:timers/promises';

export interface Load {
  /** Answers so far, by status. */
  readonly answers: ReadonlyMap<number, number>;
  stop(): Promise<void>;
}

/**
 * Sends about `perSecond` requests: sessions, uploads, downloads, lists, burnt CPU, and a few that are refused.
 *
 * @param url of the service @param key an admin key
 */
export function startLoad(url: string, key: string, perSecond: number): Load {
  const answers = new Map<number, number>();
  const known = { 'X-API-Key': key };
  const ids: string[] = [];
  const send = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(`${url}${path}`, init);
    answers.set(response.status, (answers.get(response.status) ?? 0) + 1);
    return response;
  };
  const upload = async () => {
    const headers = {
      ...known,
      'Content-Type': 'text/plain',
      'Content-Disposition': 'attachment; filename="notes.txt"',
    };
    const response = await send('/upload', { method: 'POST', headers, body: 'x'.repeat(20_000) });
    const { id } = (await response.json()) as { id?: string };
    if (id) ids.push(id);
  };
  const kinds = [
    () => send('/session'),
    () => send('/session'),
    upload,
    () => send('/files', { headers: known }),
    () => send(ids.length > 0 ? `/files/${ids[Math.floor(Math.random() * ids.length)]}` : '/files', { headers: known }),
    () => send('/load/20', { headers: known }),
    () => send('/session'),
    () => send('/files', { headers: { 'X-API-Key': 'wrong' } }),
  ];
  let stopping = false;
  const running = (async () => {
    const pending = new Set<Promise<void>>();
    for (let turn = 0; !stopping; turn += 1) {
      const one = (kinds[turn % kinds.length] ?? upload)()
        .then(async (response) => void (response && !response.bodyUsed && (await response.arrayBuffer())))
        // A service that is being stopped is no news of the load.
        .catch(() => {})
        .finally(() => pending.delete(one));
      pending.add(one);
      await sleep(1000 / perSecond);
    }
    await Promise.all(pending);
  })();
  return {
    answers,
    async stop() {
      stopping = true;
      await running;
    },
  };
}
