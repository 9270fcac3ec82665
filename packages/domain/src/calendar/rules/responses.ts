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
