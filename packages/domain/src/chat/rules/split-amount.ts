/** Whole parts of a whole amount by weight, which come to it exactly. Without any weight they are alike. */
export function splitAmount(amount: number, weights: number[]): number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let [given, passed] = [0, 0];
  return weights.map((weight, n) => {
    passed += total > 0 ? weight / total : 1 / weights.length;
    const until = n === weights.length - 1 ? amount : Math.round(amount * passed);
    const part = until - given;
    given = until;
    return part;
  });
}
