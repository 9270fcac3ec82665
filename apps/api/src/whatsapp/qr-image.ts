import { toBuffer, toString } from 'qrcode';

export const PNG = 'image/png';
export const SVG = 'image/svg+xml';
export const TEXT = 'text/plain';

/** Of the error correction that a screen needs: none of it is ever torn. */
const OPTIONS = { errorCorrectionLevel: 'L', margin: 4 } as const;
/** Pixels of one module. */
const SCALE = 8;

export const qrPng = (text: string): Promise<Buffer> => toBuffer(text, { ...OPTIONS, type: 'png', scale: SCALE });

export const qrSvg = (text: string): Promise<string> => toString(text, { ...OPTIONS, type: 'svg' });

/** For a terminal, which goes on in a line of its own. */
export const qrBlocks = async (text: string): Promise<string> =>
  `${await toString(text, { ...OPTIONS, type: 'utf8' })}\n`;

/** Which of the drawings a client asks for by name, else JSON; of several that which it names first. */
export function drawingAsked(accept: string | undefined): typeof PNG | typeof SVG | typeof TEXT | null {
  for (const range of (accept ?? '').toLowerCase().split(',')) {
    const type = range.split(';', 1)[0]?.trim();
    if (type === 'application/json') return null;
    if (type === PNG || type === SVG || type === TEXT) return type;
  }
  return null;
}
