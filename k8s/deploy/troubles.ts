// What is wrong with the pods of a namespace while one waits for them, remembered beyond the life of a pod.
import { type LiveObject, lacksImage, troubleOf } from './state.ts';

interface Trouble {
  text: string;
  /** Since when an image cannot be had, in ms of the epoch; undefined when that is not it. */
  withoutImageSince: number | undefined;
}

export class Troubles {
  readonly #byPod = new Map<string, Trouble>();
  readonly #told = new Set<string>();
  readonly #say: (line: string) => void;

  /** @param say receives each new trouble once */
  constructor(say: (line: string) => void) {
    this.#say = say;
  }

  /** Says what is new, and forgets pods that have come through. A Job that gives up takes its pods along: those are kept. */
  note(live: readonly LiveObject[], now: number): void {
    for (const pod of live.filter(({ kind }) => kind === 'Pod')) {
      const { name } = pod.metadata;
      const text = troubleOf(pod);
      if (text === undefined) {
        if (pod.status.phase === 'Running' || pod.status.phase === 'Succeeded') this.#byPod.delete(name);
        continue;
      }
      const since = this.#byPod.get(name)?.withoutImageSince ?? now;
      this.#byPod.set(name, { text, withoutImageSince: lacksImage(pod) ? since : undefined });
      this.#tell(`  pod ${name}: ${text}`);
    }
  }

  /** The pods among `live` whose image could not be had for so long. */
  withoutImageFor(ms: number, live: readonly LiveObject[], now: number): string[] {
    const there = new Set(live.filter(({ kind }) => kind === 'Pod').map(({ metadata }) => metadata.name));
    return [...this.#byPod]
      .filter(([pod]) => there.has(pod))
      .filter(([, { withoutImageSince }]) => withoutImageSince !== undefined && now - withoutImageSince >= ms)
      .map(([pod]) => pod);
  }

  lines(): string[] {
    return [...this.#byPod].map(([pod, { text }]) => `  pod ${pod}: ${text}`);
  }

  #tell(line: string): void {
    if (!this.#told.has(line)) this.#say(line.includes(' ended with ') ? `${line}\n      (it is tried again)` : line);
    this.#told.add(line);
  }
}
