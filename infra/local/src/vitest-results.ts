/** What vitest's JSON reporter says, of which this much is read here. */
export interface VitestReport {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numTodoTests: number;
  testResults: { name: string; status: string; message?: string; assertionResults: { status: string }[] }[];
}

export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/**
 * Counts a run of vitest. A file that failed outside its tests (it could not be read, a hook threw) counts as one
 * failure, and so does a run that ended badly with no failed test: coverage below its thresholds, or a stray error.
 */
export function countVitest(report: VitestReport | undefined, exit_code: number | null): Counts {
  if (!report) return { passed: 0, failed: 1, skipped: 0 };
  const broken_files = report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  );
  const failed = report.numFailedTests + broken_files.length;
  return {
    passed: report.numPassedTests,
    failed: failed === 0 && exit_code !== 0 ? 1 : failed,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}
