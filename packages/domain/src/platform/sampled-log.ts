import type { Logger } from '@potentia/config/logger';

/** A warning at most once per `every_ms` and `topic`, with the number of those that were left out since the last. */
export function createSampledLog(every_ms: number, clock: () => number = () => performance.now()) {
  const topics = new Map<string, { until: number; left_out: number }>();
  return (log: Pick<Logger, 'warn'>, topic: string, fields: object, message: string): void => {
    const now = clock();
    const state = topics.get(topic);
    if (state && now < state.until) {
      state.left_out += 1;
      return;
    }
    topics.set(topic, { until: now + every_ms, left_out: 0 });
    log.warn({ ...fields, left_out: state?.left_out ?? 0 }, message);
  };
}
