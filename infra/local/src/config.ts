/** The environment that `npm start` and `npm test` were given; nothing else here reads it. */
export const machine_env: NodeJS.ProcessEnv = process.env;
