import { checkRule } from '@potentia/domain/calendar/check-rule';
import { checkedRule, checkRuleBody } from '@potentia/domain/calendar/rule-schemas';
import { type App, operation } from '../platform/openapi.ts';
import { SCHEDULES } from './paths.ts';

/** What a rule means, before it is anybody's. POST, because a rule with its dates is too long for a path; nothing is changed. */
export function ruleRoutes(app: App): void {
  const schema = operation({
    operationId: 'checkRule',
    tags: ['schedules'],
    access: 'person',
    scope: 'calendar:read',
    summary: 'What a rule would do, or why it is refused',
    description:
      'The rule as it would be stored, in words, and its next ten occurrences by the clock and in UTC; those that a change of ' +
      'clocks moves are marked. A rule that a schedule cannot have answers 200 with `ok: false`, the reason and the field.',
    body: checkRuleBody,
    ok: { 200: checkedRule },
  });
  app.post(`${SCHEDULES}/check-rule`, { schema }, (request) => checkRule(request.body));
}
