import { startGemini } from '@potentia/sandbox/testing/gemini';

/** The model of `turns.ts`, as a process of its own: each call takes so many milliseconds to its first word. */
const ms = Number(process.env['CALL_MS'] ?? 400);
const gemini = await startGemini();
gemini.set({ latency_ms: { judge: ms, specialist: ms, embed: ms }, chunks: 4, chunk_ms: 0 });
// Some sentences that cite two things; left to itself the endpoint cites everything that it was given.
const text = `${'You said so more than once, and in these words as far as I can see. '.repeat(4)}[1] ${'There was more. '.repeat(10)}[2]`;
gemini.script({ type: 'answer', text }, { call: 'specialist' });
console.log(JSON.stringify(gemini));
