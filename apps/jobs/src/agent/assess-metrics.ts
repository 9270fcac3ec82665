import type { AssessMetrics } from '@potentia/domain/agent/assess-run';
import { Counter, type Registry } from 'prom-client';

/** What became of what the model found in turns: many refusals say that it is led astray, or that its prompt is. */
export function observeAssessments(registry: Registry): AssessMetrics {
  const findings = new Counter({
    name: 'potentia_assess_findings_total',
    help: 'What was found in turns, by what became of it: created, replaced, known, or why it was refused',
    labelNames: ['outcome'],
    registers: [registry],
  });
  return { countFinding: (outcome, count) => findings.inc({ outcome }, count) };
}
