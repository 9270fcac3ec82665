/**
 * Finds the rule that decides. A rule names some of `fields`, and matches a subject that has in each of them what it names.
 * Of those that match, the one that names most decides; where two name as many, an earlier field outweighs a later one.
 */
export function createRuleFinder<F extends string, R extends Partial<Record<NoInfer<F>, unknown>>>(
  fields: readonly F[],
  rules: readonly R[],
): (subject: Record<F, string>) => R | undefined {
  const specificity = (rule: R): number =>
    fields.reduce((sum, field, i) => sum + (rule[field] === undefined ? 0 : 2 ** fields.length + 2 ** -i), 0);
  const sorted = rules.toSorted((a, b) => specificity(b) - specificity(a));
  return (subject) =>
    sorted.find((rule) => fields.every((field) => rule[field] === undefined || rule[field] === subject[field]));
}
