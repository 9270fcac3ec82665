/** What a date in a text meant when it was said. `from` and `to` are local dates, the first and the last day. */
export interface Mention {
  text: string;
  from: string;
  to: string;
}

export interface DatesAt {
  /** ISO 8601: when it was said. */
  at: string;
  /** IANA: of the person. */
  time_zone: string;
  language: 'en' | 'id' | 'und';
}

/** The dates that a text speaks of, in their order, as they were meant when it was said. */
export function findDates(_text: string, _options: DatesAt): Mention[] {
  return [];
}
