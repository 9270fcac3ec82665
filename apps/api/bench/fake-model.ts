import { startGemini } from '@potentia/sandbox/testing/gemini';

/** The model of `turns.ts`, as a process of its own: each call takes so many milliseconds to its first word. */
const ms = Number(process.env['CALL_MS'] ?? 400);
const gemini = await startGemini();
gemini.set({ latency_ms: { judge: ms, specialist: ms, embed: ms }, chunks: 4, chunk_ms: 0 });
console.log(JSON.stringify(gemini));
