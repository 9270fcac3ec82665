import { z } from 'zod';
import { id } from '@potentia/domain/platform/schemas';

export const CANVASES = '/api/v1/canvases';
export const CANVAS = `${CANVASES}/:canvas_id`;
export const BLOCK = `${CANVAS}/blocks/:block_id`;

export const canvasPath = z.strictObject({ canvas_id: id });
export const blockPath = z.strictObject({ canvas_id: id, block_id: id });
export const memberPath = z.strictObject({ canvas_id: id, user_id: id });
