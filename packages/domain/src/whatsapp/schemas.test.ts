import { describe, expect, it } from 'vitest';
import type { AppError } from '../platform/errors.ts';
import { parseInput } from '../platform/parse.ts';
import { sendMessageInput } from './schemas.ts';

const media_id = '01920000-0000-7000-8000-000000000001';
const to = { phone: '6281200000001' };

function pointersOf(body: object): unknown {
  try {
    parseInput(sendMessageInput, body);
    return null;
  } catch (error) {
    return (error as AppError).meta.errors?.map(({ pointer }) => pointer);
  }
}

describe('what is to be sent', () => {
  it.each([
    [{ type: 'text', text: ' \n\t' }, '/content/text'],
    [{ type: 'edit', message_id: '3EB0', text: ' ' }, '/content/text'],
    [{ type: 'poll', question: 'When?', options: ['9:00', '9:00'] }, '/content/options'],
    [{ type: 'audio', media_id, caption: 'no place for it' }, '/content/caption'],
    [{ type: 'voice', media_id, caption: 'no place for it' }, '/content/caption'],
    [{ type: 'sticker', media_id, caption: 'no place for it' }, '/content/caption'],
    [{ type: 'document', media_id, is_view_once: true }, '/content/is_view_once'],
  ])('%j is refused by the name of its field', (content, pointer) => {
    expect(pointersOf({ to, content })).toEqual([pointer]);
  });

  it.each([
    { type: 'text', text: ' padded ' },
    { type: 'poll', question: 'When?', options: ['9:00', '10:00'] },
    { type: 'image', media_id, caption: 'Look', is_view_once: true },
    { type: 'document', media_id, caption: 'A paper', file_name: 'paper.pdf' },
    { type: 'voice', media_id },
  ])('%j is taken', (content) => {
    expect(pointersOf({ to, content })).toBeNull();
  });
});
