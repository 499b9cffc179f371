// What is wrong with the pods of a namespace, and with the secrets that they wait for, remembered beyond the life of a pod.
import { type LiveObject, lacksImage, troubleOf } from './state.ts';

interface Trouble {
  text: string;
  /** Since when an image cannot be had, in ms of the epoch; undefined when that is not it. */
  withoutImageSince: number | undefined;
}

/** Such as `pod x`. */
const idOf = ({ kind, metadata }: LiveObject) => `${kind.toLowerCase()} ${metadata.name}`;

const watchedKinds = ['Pod', 'ExternalSecret'];

export class Troubles {
  readonly #byId = new Map<string, Trouble>();
  readonly #told = new Set<string>();
  readonly #say: (line: string) => void;

  /** @param say receives each new trouble once */
  constructor(say: (line: string) => void) {
    this.#say = say;
  }

  /** Says what is new, and forgets what has come through. A Job that gives up takes its pods along: those are kept. */
  note(live: readonly LiveObject[], now: number): void {
    for (const object of live.filter(({ kind }) => watchedKinds.includes(kind))) {
      const id = idOf(object);
      const text = troubleOf(object, now);
      if (text === undefined) {
        const { phase } = object.status;
        if (object.kind !== 'Pod' || phase === 'Running' || phase === 'Succeeded') this.#byId.delete(id);
        continue;
      }
      const since = this.#byId.get(id)?.withoutImageSince ?? now;
      this.#byId.set(id, { text, withoutImageSince: lacksImage(object) ? since : undefined });
      this.#tell(`  ${id}: ${text}`);
    }
  }

  /** Those among `live` whose image could not be had for so long, such as `pod x`. */
  withoutImageFor(ms: number, live: readonly LiveObject[], now: number): string[] {
    const there = new Set(live.map(idOf));
    return [...this.#byId]
      .filter(([id]) => there.has(id))
      .filter(([, { withoutImageSince }]) => withoutImageSince !== undefined && now - withoutImageSince >= ms)
      .map(([id]) => id);
  }

  lines(): string[] {
    return [...this.#byId].map(([id, { text }]) => `  ${id}: ${text}`);
  }

  #tell(line: string): void {
    if (!this.#told.has(line)) this.#say(line.includes(' ended with ') ? `${line}\n      (it is tried again)` : line);
    this.#told.add(line);
  }
}
