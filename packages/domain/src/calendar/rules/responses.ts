import type { LocalTime } from './series.ts';

/** What a guest can answer. */
export const guest_responses = ['needs_action', 'accepted', 'declined', 'tentative'] as const;
export type GuestResponse = (typeof guest_responses)[number];

/** An answer that differs from the guest's answer to the whole series. */
export interface OccurrenceResponse {
  recurrence_id: LocalTime;
  /** `following`: to this occurrence and those after it, until the next row of the kind. */
  applies_to: 'this' | 'following';
  response: GuestResponse;
}

/**
 * What a guest has answered to one occurrence: the row about `this` one, else the latest `following` row at or before it, else
 * their answer to the series. `responses` are this guest's alone, in any order; local times of one schedule compare as text.
 */
export function effectiveResponse(
  guest: { response: GuestResponse },
  responses: readonly OccurrenceResponse[],
  recurrence_id: LocalTime,
): GuestResponse {
  let latest: OccurrenceResponse | undefined;
  for (const row of responses) {
    if (row.applies_to === 'this') {
      if (row.recurrence_id === recurrence_id) return row.response;
    } else if (row.recurrence_id <= recurrence_id && (!latest || row.recurrence_id > latest.recurrence_id)) {
      latest = row;
    }
  }
  return (latest ?? guest).response;
}

/** An answer to a series, or to some of its occurrences. */
export interface LocalAnswer {
  scope: 'this' | 'following' | 'all';
  /** Null with `all`. */
  recurrence_id: LocalTime | null;
  response: GuestResponse;
}

/**
 * What a guest has answered once they have answered so, and the answers to single occurrences that it takes the place of: all of
 * them, those from an occurrence on, or that to the one. `app.write_answer` does the same to what is stored.
 */
export function answerLocally(
  guest: { response: GuestResponse },
  responses: readonly OccurrenceResponse[],
  { scope, recurrence_id, response }: LocalAnswer,
): { response: GuestResponse; responses: OccurrenceResponse[]; lost: OccurrenceResponse[] } {
  if (scope === 'all' || recurrence_id === null) return { response, responses: [], lost: [...responses] };
  const goes = (row: OccurrenceResponse): boolean =>
    scope === 'following'
      ? row.recurrence_id >= recurrence_id
      : row.applies_to === 'this' && row.recurrence_id === recurrence_id;
  const kept = responses.filter((row) => !goes(row));
  return {
    response: guest.response,
    responses: [...kept, { recurrence_id, applies_to: scope, response }].sort(inOrder),
    lost: responses.filter(goes),
  };
}

const inOrder = (a: OccurrenceResponse, b: OccurrenceResponse): number =>
  a.recurrence_id === b.recurrence_id
    ? Number(a.applies_to < b.applies_to) - Number(a.applies_to > b.applies_to)
    : a.recurrence_id < b.recurrence_id
      ? -1
      : 1;
