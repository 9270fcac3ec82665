const ELLIPSIS = ' …';

/** The text, or as much of its beginning as is within `most` tokens, with an ellipsis; never half of a surrogate pair. */
export function cutToTokens(text: string, most: number, estimate: (text: string) => number): string {
  if (estimate(text) <= most) return text;
  let kept = 0;
  let too_long = text.length;
  while (too_long - kept > 1) {
    const middle = (kept + too_long) >> 1;
    if (estimate(cut(text, middle)) <= most) kept = middle;
    else too_long = middle;
  }
  return cut(text, kept);
}

function cut(text: string, length: number): string {
  const whole = /[\ud800-\udbff]$/.test(text.slice(0, length)) ? length - 1 : length;
  return text.slice(0, whole).trimEnd() + ELLIPSIS;
}
