import { describe, expect, it } from 'vitest';
import { isSameRequest } from './same-request.ts';

const A = '01a1fdc3-8157-736c-8cf4-635130cbd789';
const B = '01a1fdc3-8157-736c-8cf4-635130cbd780';

describe('a request in other words is', () => {
  it.each<[string, object, object]>([
    ['the same to the letter', { title: 'x' }, { title: 'x' }],
    ['the same without anything', {}, {}],
    [
      'the same thing at the same time',
      { title: 'water plants', at: '2026-11-25T08:00' },
      { title: 'Water the plants', at: '2026-11-25T08:00:00' },
    ],
    [
      'the same with something left out',
      { title: 'stretch', at: '2026-11-25T08:00', notes: null },
      { title: 'Stretching' },
    ],
    [
      'the same in a place that is named here and known there',
      { calendar: 'Work', title: 'rapat' },
      { calendar: A, title: 'Rapat' },
    ],
    ['the same memory', { content: 'Lives in Jakarta' }, { content: 'The user lives in Jakarta' }],
  ])('%s', (_, one, other) => {
    expect(isSameRequest(one, other)).toBe(true);
    expect(isSameRequest(other, one)).toBe(true);
  });
});

describe('another request is', () => {
  it.each<[string, unknown, unknown]>([
    ['another thing', { canvas_id: A, text: 'milk' }, { canvas_id: A, text: 'eggs' }],
    ['another thing to buy', { text: 'buy milk' }, { text: 'buy eggs' }],
    [
      'the same thing at another time',
      { title: 'stretch', at: '2026-11-25T08:00' },
      { title: 'stretch', at: '2026-11-25T09:00' },
    ],
    ['the same thing on another day', { title: 'stretch', at: '2026-11-25' }, { title: 'stretch', at: '2026-11-26' }],
    ['another rule', { title: 'stretch', rrule: 'FREQ=DAILY' }, { title: 'stretch', rrule: 'FREQ=WEEKLY' }],
    ['something else of the same kind', { block_id: A, text: 'done' }, { block_id: B, text: 'done' }],
    ['something that has nothing in common', { text: 'milk' }, { title: 'milk' }],
    ['no object', ['milk'], ['eggs']],
  ])('%s', (_, one, other) => {
    expect(isSameRequest(one, other)).toBe(false);
    expect(isSameRequest(other, one)).toBe(false);
  });
});
