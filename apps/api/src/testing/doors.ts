import type { Scope } from '@potentia/domain/auth/rules/scopes';
import type { Access, App } from '../platform/openapi.ts';

/** One operation of the OpenAPI document. */
export interface Door {
  name: string;
  method: string;
  /** With its parameters as `{canvas_id}`. */
  path: string;
  is_public: boolean;
  /** For services of ours, with a token of theirs. */
  is_service: boolean;
  operation: OperationObject;
}

export interface OperationObject {
  operationId: string;
  tags: string[];
  security?: object[];
  parameters?: { name: string; in: string; required?: boolean; schema: object }[];
  requestBody?: { content: Record<string, { schema: object }> };
  'x-potentia-access'?: Access;
  'x-potentia-scope'?: Scope;
  responses: Record<string, { description: string; content?: Record<string, { schema?: object }> }>;
}

/** Every operation that the document of this application declares. */
export function doorsOf(app: App): Door[] {
  const { paths } = app.swagger() as unknown as { paths: Record<string, Record<string, OperationObject>> };
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({
      name: `${method.toUpperCase()} ${path}`,
      method: method.toUpperCase(),
      path,
      is_public: operation.security?.length === 0,
      is_service: (operation.security ?? []).some((needed) => 'service' in needed),
      operation,
    })),
  );
}

/** The path with values in place of its parameters. */
export const fillPath = (path: string, values: Record<string, string>): string =>
  path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(values[name] ?? 'missing'));
