/** The vector of length 1 in the same direction; null when it has none, or is not made of numbers. */
export function toUnitVector(values: number[]): number[] | null {
  const length = Math.hypot(...values);
  return Number.isFinite(length) && length > 0 ? values.map((value) => value / length) : null;
}
