import type { ToolRound } from '../model.ts';

/*
 * What tools answered, as far as rules read it. Whatever is not as expected counts as not there.
 */

export type Result = Readonly<Record<string, unknown>>;

export interface Answered {
  name: string;
  status: string;
  result: Result;
  /** Of what failed: why, else empty. */
  code: string;
  /** For the person: what will be, or was, done; or what went wrong. */
  summary: string;
}

const isRecord = (value: unknown): value is Result =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const record = (value: unknown): Result => (isRecord(value) ? value : {});
export const text = (value: unknown): string => (typeof value === 'string' ? value : '');
export const list = (value: unknown): Result[] => (Array.isArray(value) ? value.filter(isRecord) : []);

/** What was answered in one round, in the order of the requests. */
export const answersOf = (round: ToolRound | undefined): Answered[] =>
  (round?.results ?? []).map(({ request, response }) => {
    const { status, result, summary, error } = response as Record<string, unknown>;
    const failed = record(error);
    return {
      name: request.name,
      status: error === undefined ? text(status) || 'done' : 'failed',
      result: record(result),
      code: text(failed['code']),
      summary: text(summary) || text(failed['message']) || text(failed['code']),
    };
  });

export interface Occurrence {
  schedule_id: string;
  recurrence_id: string | null;
  title: string;
  starts_local: string;
  ends_local: string;
  location: string;
}

/** Occurrences that a calendar answered, without cancelled ones. */
export const occurrencesOf = ({ result }: Answered): Occurrence[] =>
  list(result['schedules'])
    .filter(({ status }) => status !== 'cancelled')
    .map((item) => ({
      schedule_id: text(item['schedule_id']),
      recurrence_id: item['is_recurring'] === true ? text(item['recurrence_id']) : null,
      title: text(item['title']),
      starts_local: text(item['starts_local']),
      ends_local: text(item['ends_local']),
      location: text(item['location']),
    }));

export interface FoundCanvas {
  canvas_id: string;
  title: string;
  blocks: { block_id: string; type: string; text: string }[];
}

/** Canvases that can be written on. */
export const canvasesOf = ({ result }: Answered): FoundCanvas[] =>
  list(result['canvases'])
    .filter(({ can_write }) => can_write !== false)
    .map(canvasOf);
export const anyCanvasesOf = ({ result }: Answered): FoundCanvas[] => list(result['canvases']).map(canvasOf);

const canvasOf = (item: Result): FoundCanvas => ({
  canvas_id: text(item['canvas_id']),
  title: text(item['title']),
  blocks: blocksOf(item),
});

export const blocksOf = (item: Result): { block_id: string; type: string; text: string }[] =>
  list(item['blocks']).map((block) => ({
    block_id: text(block['block_id']),
    type: text(block['type']),
    text: text(block['text']),
  }));
