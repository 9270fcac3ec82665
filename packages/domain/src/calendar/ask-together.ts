/** More than so many under way make none of them faster; what comes meanwhile goes with the next. */
const MAX_RUNNING = 3;
/** Questions that go together: few enough that while some are at the source, the answers of others are worked on. */
const MAX_TOGETHER = 8;

interface Waiting<Q, A> {
  question: Q;
  resolve: (answer: A) => void;
  reject: (error: unknown) => void;
}

/**
 * Puts questions that come at the same time to their source in one go: what a busy process spends on a round trip is then
 * spent once for all of them. A question never joins a round that is under way already, so no answer is older than its question.
 * `answer` gives one answer for each question, in their order; when it rejects, so do all of these questions.
 */
export function askTogether<Q, A>(answer: (questions: Q[]) => Promise<A[]>): (question: Q) => Promise<A> {
  let waiting: Waiting<Q, A>[] = [];
  let running = 0;
  let is_due = false;

  const round = async (): Promise<void> => {
    is_due = false;
    const asked = waiting.slice(0, MAX_TOGETHER);
    waiting = waiting.slice(MAX_TOGETHER);
    running += 1;
    next();
    try {
      const answers = await answer(asked.map(({ question }) => question));
      if (answers.length !== asked.length) throw new Error(`${asked.length} questions, ${answers.length} answers`);
      asked.forEach(({ resolve }, i) => resolve(answers[i] as A));
    } catch (error) {
      for (const { reject } of asked) reject(error);
    }
    running -= 1;
    next();
  };
  const next = (): void => {
    if (is_due || waiting.length === 0 || running >= MAX_RUNNING) return;
    is_due = true;
    // After this turn of the event loop: whoever came with the same read of the sockets goes along.
    setImmediate(() => void round());
  };

  return (question) =>
    new Promise((resolve, reject) => {
      waiting.push({ question, resolve, reject });
      next();
    });
}
