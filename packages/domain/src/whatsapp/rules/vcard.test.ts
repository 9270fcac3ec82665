import { expect, it } from 'vitest';
import { readVcard } from './vcard.ts';

it('reads a card as WhatsApp writes it', () => {
  const card = [
    'BEGIN:VCARD',
    'VERSION:3.0',
    'N:;Budi;;;',
    'FN:Budi S.',
    'ORG:Toko Maju\\, Jaya;Sales;',
    'item1.TEL;waid=6281234567890:+62 812-3456-7890',
    'TEL;type=CELL:+62 21 555 0101',
    'END:VCARD',
  ].join('\n');
  expect(readVcard('Budi', card)).toEqual({
    name: 'Budi',
    phones: ['6281234567890', '62215550101'],
    organization: 'Toko Maju, Jaya',
  });
});

it('takes the name of the card when there is none beside it, and what is no number for none', () => {
  expect(readVcard('', 'FN:Ani\r\nTEL:12\r\nTEL:call me')).toEqual({ name: 'Ani', phones: [] });
  expect(readVcard('', '')).toEqual({ name: '', phones: [] });
});

it('keeps ten numbers, each once', () => {
  const lines = Array.from({ length: 30 }, (_, i) => `TEL:+6281000${Math.floor(i / 2)}`);
  expect(readVcard('x', lines.join('\n')).phones).toHaveLength(10);
});
