import type { FastifyServerOptions } from 'fastify';

type Formatter = NonNullable<FastifyServerOptions['schemaErrorFormatter']>;

interface Details {
  additionalProperty?: string;
  allowedValues?: unknown[];
  /** The field that says what the others must be. */
  tag?: string;
}

/** What is wrong with a request, with the field, and with what may stand there. */
const explain: Formatter = ([error], part) => {
  if (!error) return new Error(`${part} is not valid`);
  const { instancePath, params, message = 'is not valid' } = error;
  const { additionalProperty, allowedValues, tag } = params as Details;
  const field = `${part}${instancePath}`;
  if (additionalProperty !== undefined) return new Error(`${field}/${additionalProperty} is not known`);
  if (tag !== undefined) return new Error(`${field}/${tag} is none of those that are known`);
  return new Error(`${field} ${message}${allowedValues ? `: ${allowedValues.join(', ')}` : ''}`);
};

/** How the sandbox checks what its own routes are sent: what a schema does not know is refused by name, not dropped. */
export const INPUT_CHECKS = {
  ajv: { customOptions: { removeAdditional: false, discriminator: true, allowUnionTypes: true } },
  schemaErrorFormatter: explain,
} satisfies FastifyServerOptions;
