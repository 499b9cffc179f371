import { type Answer, ask } from './client.ts';
import { waitFor } from './wait.ts';

interface Health {
  dependencies: Record<string, { state: 'up' | 'down' } | undefined>;
}

/** What /health answers once it shows these states: a probe that takes longer than 400 ms shows `down` for a second. */
export async function healthWith(url: string, states: Record<string, 'up' | 'down'>): Promise<Answer> {
  let answer: Answer | undefined;
  const areShown = async () => {
    answer = await ask(`${url}/health`);
    const { dependencies } = answer.body as Health;
    return Object.entries(states).every(([name, state]) => dependencies[name]?.state === state);
  };
  await waitFor(`${JSON.stringify(states)} in /health`, areShown, 30_000, 200);
  return answer as Answer;
}
