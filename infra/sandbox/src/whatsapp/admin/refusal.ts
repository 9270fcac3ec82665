/** What the sandbox's server answers: the status, and a text that names the field. */
function refusal(status: number, message: string): Error {
  return Object.assign(new Error(message), { statusCode: status });
}

export const badField = (field: string, why: string): Error => refusal(400, `${field}: ${why}`);
export const notFound = (what: string): Error => refusal(404, what);
export const conflict = (field: string, why: string): Error => refusal(409, `${field}: ${why}`);

/** Does what a phone may refuse, as a 400 that names the field on which it depends. */
export async function doing<T>(field: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw badField(field, (error as Error).message);
  }
}
