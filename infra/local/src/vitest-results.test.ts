import { describe, expect, it } from 'vitest';
import { countVitest, type VitestReport } from './vitest-results.ts';

const report = (overrides: Partial<VitestReport> = {}): VitestReport => ({
  numPassedTests: 10,
  numFailedTests: 0,
  numPendingTests: 1,
  numTodoTests: 1,
  testResults: [],
  ...overrides,
});

describe('countVitest', () => {
  it('counts tests', () => {
    expect(countVitest(report(), 0)).toEqual({ passed: 10, failed: 0, skipped: 2 });
  });

  it('counts a file that failed outside its tests as one failure', () => {
    const files = [
      { name: 'broken.test.ts', status: 'failed', assertionResults: [] },
      { name: 'failing.test.ts', status: 'failed', assertionResults: [{ status: 'failed' }] },
    ];
    expect(countVitest(report({ numFailedTests: 1, testResults: files }), 1).failed).toBe(2);
  });

  it('counts a run that ended badly without a failed test as one failure', () => {
    expect(countVitest(report(), 1).failed).toBe(1);
    expect(countVitest(undefined, 134)).toEqual({ passed: 0, failed: 1, skipped: 0 });
  });
});
