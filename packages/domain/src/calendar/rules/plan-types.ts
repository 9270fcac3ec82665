import type { LocalTime, Override, Series } from './series.ts';

/** Which occurrences an edit is for: the one named, that one and those after it, or the whole series. */
export type Scope = 'this' | 'following' | 'all';
export type Response = 'needs_action' | 'accepted' | 'declined' | 'tentative';
type Status = 'confirmed' | 'tentative' | 'cancelled';
type Transparency = 'opaque' | 'transparent';

/** What a schedule says beside its times; an override can differ in the first six. */
export interface ScheduleContent {
  title: string;
  description: string | null;
  location: string | null;
  url: string | null;
  status: Status;
  transparency: Transparency;
  color: string | null;
  visibility: 'default' | 'private';
  organiser_user_id: string;
  uid: string;
  ics_properties: unknown;
}

/** Every column of `schedules` that an edit can write. */
export type ScheduleFields = ScheduleContent & Omit<Series, 'overrides'>;

/** A row of schedule_overrides; null: as the series has it. `''`: the series has such a text, this occurrence none. */
export interface PlannedOverride extends Override {
  title: string | null;
  description: string | null;
  location: string | null;
  url: string | null;
  status: Status | null;
  transparency: Transparency | null;
  ics_properties: unknown;
}

/** A row of schedule_guests; `response` is to the whole series. */
export interface PlannedGuest {
  id: string;
  user_id: string | null;
  email: string | null;
  name: string | null;
  is_optional: boolean;
  response: Response;
  comment: string | null;
  /** ISO 8601. */
  responded_at: string | null;
}

/** A row of schedule_responses. */
export interface PlannedResponse {
  guest_id: string;
  recurrence_id: LocalTime;
  applies_to: 'this' | 'following';
  response: Response;
  /** ISO 8601. */
  responded_at: string;
}

/** A row of schedule_reminders, without when it is due next. */
export interface PlannedReminder {
  id: string;
  user_id: string;
  applies_to: Scope;
  /** Null with `all`. */
  recurrence_id: LocalTime | null;
  /** Ends before this occurrence; null: with the series. */
  until_recurrence_id: LocalTime | null;
  /** Occurrences that it leaves out. */
  skips: LocalTime[];
  minutes_before: number | null;
  /** `09:00:00` */
  local_time: string | null;
  days_before: number | null;
  channels: string[];
}

/** A schedule and everything that hangs on its occurrences, as it is stored. */
export interface PlannedSchedule extends ScheduleFields {
  id: string;
  overrides: PlannedOverride[];
  guests: PlannedGuest[];
  responses: PlannedResponse[];
  reminders: PlannedReminder[];
}

export type TimesPatch = Partial<Omit<Series, 'overrides'>>;
/** A field that is absent stays as it is. */
export type SchedulePatch = Partial<Omit<ScheduleContent, 'uid'>> & TimesPatch;

export interface Edit {
  kind: 'update' | 'move' | 'delete';
  scope: Scope;
  /** Of one of its occurrences: needed for `this` and `following`. With `all` it is the occurrence that `starts_local` is the new start of. */
  recurrence_id: LocalTime | null;
  /** Empty with `delete`; times alone with `move`. */
  patch: SchedulePatch;
}

/** What to write of one schedule. Lists are whole: rows that are not among them are to be deleted. */
export type ScheduleWrite =
  | {
      op: 'update';
      id: string;
      fields: ScheduleFields;
      /** The columns in which `fields` differs from what was. */
      changed: (keyof ScheduleFields)[];
      overrides: PlannedOverride[];
      responses: PlannedResponse[];
      reminders: PlannedReminder[];
      /** Its instances are no longer right: `uncover_schedule`. */
      occurrences_changed: boolean;
    }
  | {
      op: 'create';
      id: string;
      fields: ScheduleFields;
      overrides: PlannedOverride[];
      /** Those of the schedule that it was cut from, with ids of their own; `copy_of` is the id there. */
      guests: (PlannedGuest & { copy_of: string })[];
      responses: PlannedResponse[];
      /** A reminder of occurrences on both sides is a copy with an id of its own; one that moves over as a whole keeps its id. */
      reminders: PlannedReminder[];
      occurrences_changed: true;
    }
  | { op: 'delete'; id: string; occurrences_changed: true };

/** What named an occurrence that there no longer is. */
export interface Lost {
  overrides: PlannedOverride[];
  responses: PlannedResponse[];
  reminders: PlannedReminder[];
}

export interface Plan {
  /**
   * In the order in which to write them: the edited schedule first, then the one that was cut off. Empty: the edit changes nothing.
   */
  schedules: ScheduleWrite[];
  lost: Lost;
  /** Some occurrence appears, goes, moves, or begins or ceases to differ from its series. */
  occurrences_changed: boolean;
  /** Where occurrences went: from `from` on (null: all), to the schedule `schedule_id`, by so many ms of wall clock. */
  shift: { schedule_id: string; from: LocalTime | null; delta_ms: number } | null;
}

/** Ids are made outside: a plan is pure. */
export interface PlanIds {
  new_id(): string;
}

/** An edit that cannot be: `kind` and `code` are those of the AppError to answer, `pointer` names the field. */
export class PlanRefused extends Error {
  override readonly name = 'PlanRefused';
  readonly kind: 'invalid' | 'not_found';
  readonly code: string;
  readonly pointer: string | null;
  constructor(kind: 'invalid' | 'not_found', code: string, message: string, pointer: string | null = null) {
    super(message);
    this.kind = kind;
    this.code = code;
    this.pointer = pointer;
  }
}

/** One occurrence in the answer of a dry run. Epoch ms; of floating and all-day series the wall clock, read as UTC. */
export interface ComparedOccurrence {
  schedule_id: string;
  recurrence_id: LocalTime;
  starts_at: number;
  ends_at: number;
}

export interface MovedOccurrence {
  /** As it was named. */
  recurrence_id: LocalTime;
  from: ComparedOccurrence;
  to: ComparedOccurrence;
}

/** At most 500 items; `count` is of all. */
export interface Bounded<Item> {
  count: number;
  items: Item[];
  truncated: boolean;
}

/** Occurrences of the window alone; what is lost is told of the whole series. */
export interface Comparison {
  added: Bounded<ComparedOccurrence>;
  removed: Bounded<ComparedOccurrence>;
  moved: Bounded<MovedOccurrence>;
  lost: {
    overrides: Bounded<PlannedOverride>;
    responses: Bounded<PlannedResponse>;
    reminders: Bounded<PlannedReminder>;
  };
}
