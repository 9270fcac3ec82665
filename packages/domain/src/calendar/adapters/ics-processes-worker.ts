import { serveTasks } from '../../platform/serve-tasks.ts';
import { completeSchedules } from '../rules/ics-complete.ts';
import { readIcs } from '../rules/ics-read.ts';
import { IcsRefused } from '../rules/ics-times.ts';
import type { ImportedFile } from '../rules/ics-types.ts';

/*
 * What runs in the processes of `ics-processes.ts`.
 */

export interface IcsTask {
  read: string;
  time_zone: string;
}
export type IcsAnswer = { done: ImportedFile } | { refused: { code: string; message: string } };

serveTasks((task) => {
  const { read, time_zone } = task as IcsTask;
  try {
    return { done: completeSchedules(readIcs(read, time_zone)) } satisfies IcsAnswer;
  } catch (error) {
    if (!(error instanceof IcsRefused)) throw error;
    const { code, message } = error;
    return { refused: { code, message } } satisfies IcsAnswer;
  }
});
