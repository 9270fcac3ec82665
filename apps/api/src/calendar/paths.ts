import { id } from '@potentia/domain/platform/schemas';
import { z } from 'zod';

export const CALENDARS = '/api/v1/calendars';
export const CALENDAR = `${CALENDARS}/:calendar_id`;
export const SCHEDULES = '/api/v1/schedules';
export const SCHEDULE = `${SCHEDULES}/:schedule_id`;

export const calendarPath = z.strictObject({ calendar_id: id });
export const schedulePath = z.strictObject({ schedule_id: id });
