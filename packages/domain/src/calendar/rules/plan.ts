import { type Edit, type Plan, type PlanIds, type PlannedSchedule, PlanRefused } from './plan-types.ts';

/**
 * What an edit comes to. Pure. Throws `PlanRefused`: `schedule.occurrence_not_found`, `schedule.not_per_occurrence` (a field that
 * only a whole series has), `schedule.start_not_in_rule`, `schedule.no_occurrence`, `schedule.rule_not_divisible`.
 */
export function planEdit(_current: PlannedSchedule, _edit: Edit, _ids: PlanIds): Plan {
  throw new PlanRefused('invalid', 'schedule.no_plan', 'Not yet.');
}
