import type { Logger } from '@potentia/config/logger';
import type { UserFacingSocketConfig } from '@whiskeysockets/baileys';
import type { HeldSession, SessionPart } from './parts.ts';
import { within } from './within.ts';

/** The parts of all sessions. One that throws is logged by its name, and the others go on. */
export interface PartRunner {
  run(hook: string, call: (part: SessionPart) => void): void;
  socketOptions(held: HeldSession): Partial<UserFacingSocketConfig>;
  /** Resolves when all have settled, and after `most_ms` in any case. */
  stop(held: HeldSession, most_ms: number): Promise<void>;
}

export function createPartRunner(parts: readonly SessionPart[], log: Logger): PartRunner {
  const complain = (part: SessionPart, hook: string, error: unknown): void =>
    log.error({ err: error, part: part.name, hook }, 'a part of a session failed');
  return {
    run(hook, call) {
      for (const part of parts) {
        try {
          call(part);
        } catch (error) {
          complain(part, hook, error);
        }
      }
    },
    socketOptions(held) {
      const options: Partial<UserFacingSocketConfig> = {};
      for (const part of parts) Object.assign(options, part.socketOptions?.(held));
      return options;
    },
    async stop(held, most_ms) {
      const settled = parts.map(async (part) => {
        try {
          await part.stop?.(held);
        } catch (error) {
          complain(part, 'stop', error);
        }
      });
      await within(Promise.all(settled), most_ms);
    },
  };
}
