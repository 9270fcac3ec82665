import type { FastifyServerOptions } from 'fastify';

type Formatter = NonNullable<FastifyServerOptions['schemaErrorFormatter']>;

/** What is wrong with a request, with the field, and with what may stand there. */
const explain: Formatter = ([error], part) => {
  if (!error) return new Error(`${part} is not valid`);
  const { instancePath, params, message = 'is not valid' } = error;
  const { additionalProperty, allowedValues } = params as { additionalProperty?: string; allowedValues?: unknown[] };
  const field = `${part}${instancePath}`;
  if (additionalProperty !== undefined) return new Error(`${field}/${additionalProperty} is not known`);
  return new Error(`${field} ${message}${allowedValues ? `: ${allowedValues.join(', ')}` : ''}`);
};

/** How the sandbox checks what its own routes are sent: what a schema does not know is refused by name, not dropped. */
export const INPUT_CHECKS = {
  ajv: { customOptions: { removeAdditional: false, discriminator: true, allowUnionTypes: true } },
  schemaErrorFormatter: explain,
} satisfies FastifyServerOptions;
