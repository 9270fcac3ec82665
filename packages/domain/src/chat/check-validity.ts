import { invalidField } from '../platform/parse.ts';

/** Throws `request.invalid` where something ends before it begins. */
export function checkValidity({
  valid_from,
  valid_until,
}: {
  valid_from: string | null;
  valid_until: string | null;
}): void {
  if (valid_from !== null && valid_until !== null && Date.parse(valid_from) >= Date.parse(valid_until))
    throw invalidField('/valid_until', 'Must be after valid_from');
}
