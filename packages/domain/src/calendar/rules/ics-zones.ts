import ICAL from 'ical.js';
import { findIana } from 'windows-iana';
import type { JcalComponent } from './ics-components.ts';
import { textOf } from './ics-components.ts';
import { isZone, toInstant } from './zones.ts';

/** What finds the IANA zone that a TZID of a file stands for; null: it stands for none that we know. */
export type ZoneResolver = (tzid: string) => string | null;

/**
 * TZID → IANA zone. A TZID is any text (RFC 5545 3.2.19); in the wild it is an IANA name, one with a prefix
 * (`/mozilla.org/20050126_1/Europe/Berlin`), a name of Windows', or one of the file's own, whose VTIMEZONE then says in
 * X-LIC-LOCATION or by its offsets what it is. `preferred`: zones to try first where only the offsets tell.
 */
export function createZoneResolver(timezones: JcalComponent[], preferred: string[]): ZoneResolver {
  const definitions = new Map(timezones.map((component) => [textOf(component, 'tzid') ?? '', component]));
  const found = new Map<string, string | null>();
  return (tzid) => {
    let zone = found.get(tzid);
    if (zone === undefined) {
      zone = byName(tzid) ?? byDefinition(definitions.get(tzid), preferred);
      found.set(tzid, zone);
    }
    return zone;
  };
}

function byName(tzid: string): string | null {
  const parts = tzid.split('/').filter((part) => part !== '');
  for (let from = 0; from < Math.min(parts.length, 8); from++) {
    const name = parts.slice(from).join('/');
    if (name.length <= 64 && isZone(name)) return name;
  }
  const [windows] = findIana(tzid);
  return windows !== undefined && isZone(windows) ? windows : null;
}

function byDefinition(definition: JcalComponent | undefined, preferred: string[]): string | null {
  if (!definition) return null;
  const location = textOf(definition, 'x-lic-location');
  if (location !== null && isZone(location)) return location;
  return byOffsets(definition, preferred);
}

/** Wall clocks in seven months of recent years: where zones agree on all of them, it does not matter which it is. */
const SAMPLES = [2015, 2019, 2023, 2024, 2025, 2026].flatMap((year) =>
  [0, 2, 3, 5, 8, 9, 10].map((month) => Date.UTC(year, month, 20, 12)),
);

function byOffsets(definition: JcalComponent, preferred: string[]): string | null {
  try {
    const timezone = new ICAL.Timezone(new ICAL.Component(definition as never));
    const wanted = SAMPLES.map((local) => local - offsetOf(timezone, local) * 1_000);
    const fits = (zone: string): boolean => SAMPLES.every((local, at) => toInstant(local, zone) === wanted[at]);
    return [...preferred, ...Intl.supportedValuesOf('timeZone')].find(fits) ?? null;
  } catch {
    return null;
  }
}

const offsetOf = (timezone: ICAL.Timezone, local: number): number =>
  timezone.utcOffset(ICAL.Time.fromDateTimeString(new Date(local).toISOString().slice(0, 19)));
