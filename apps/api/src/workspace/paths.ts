import { z } from 'zod';
import { id } from '@potentia/domain/platform/schemas';

export const WORKSPACES = '/api/v1/workspaces';
export const WORKSPACE = `${WORKSPACES}/:workspace_id`;

export const workspacePath = z.strictObject({ workspace_id: id });
