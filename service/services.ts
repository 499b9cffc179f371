// What the handlers work with: made once at start (main.ts), handed down as a parameter, closed last.
import type { Burners } from './burners.ts';
import type { Health } from './health.ts';
import type { Settings } from './settings.ts';
import type { Files } from './stores/files.ts';
import type { Keys } from './stores/keys.ts';
import type { Limits } from './stores/limits.ts';
import type { Sessions } from './stores/sessions.ts';

export interface Services {
  settings: Settings;
  sessions: Sessions;
  files: Files;
  keys: Keys;
  limits: Limits;
  burners: Burners;
  health: Health;
}
