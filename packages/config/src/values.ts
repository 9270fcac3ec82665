import { z } from 'zod';

/*
 * How a variable's text becomes a value. The message of a refusal says what is wanted and never shows what was given.
 */

/** Decimal digits only, so that `1e3`, `0x10` and `-1` are refused. */
export const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d+$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.number().min(min, `must be at least ${min}`).max(max, `must be at most ${max}`));

/** A time of at least 1 ms and at most an hour. */
export const milliseconds = wholeNumber(1, 3_600_000);

export const bool = z.stringbool({ error: 'must be true or false' });

/** Without the slashes at its end, so that a path can be put behind it. */
export const httpUrl = z
  .url({ protocol: /^https?$/, error: 'must be an http(s) URL' })
  .transform((url) => url.replace(/\/+$/, ''));

/** A comma list; blanks around and between the items do not count. */
export const commaList = z.string().transform((text) =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean),
);

/** A JSON array of at least one `item`. */
export const jsonList = <S extends z.ZodType>(item: S) =>
  z
    .string()
    .transform((text, ctx): unknown => {
      try {
        return JSON.parse(text);
      } catch {
        ctx.addIssue('must be JSON');
        return z.NEVER;
      }
    })
    .pipe(z.array(item).min(1));
