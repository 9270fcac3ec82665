import { createLogger } from '@potentia/config/logger';
import { createGemini } from '@potentia/domain/agent/adapters/gemini';
import { Registry } from 'prom-client';
import { describe, expect, test } from 'vitest';
import { ask, hear, judging, never, reportOf, startModel } from '../testing/model-kit.ts';

describe('what fails', () => {
  test('a rate limit is waited out as long as the API says, and no shorter', async () => {
    const { model, gemini } = await startModel();
    const began = performance.now();
    const { text, finish } = await hear(model, ask('Go [[gemini:rate_limit {"retry_ms":300,"times":1}]]'));
    expect(performance.now() - began).toBeGreaterThanOrEqual(300);
    expect(text).toContain('You asked');
    expect(finish?.report.calls).toBe(2);
    expect(gemini.requests().map(({ status }) => status)).toEqual([429, 200]);
  });

  test('a rate limit that lasts longer than anybody waits is told, with when to come back', async () => {
    const { model, gemini } = await startModel();
    const { error } = await hear(model, ask('Go [[gemini:rate_limit {"retry_ms":42000}]]'));
    expect(error).toMatchObject({ kind: 'unavailable', code: 'model.rate_limited', meta: { retry_after_ms: 42_000 } });
    expect(gemini.requests()).toHaveLength(1);
  });

  test('a quota of the day is not asked again, whatever the API says about a second', async () => {
    const { model, gemini } = await startModel();
    const { error } = await hear(model, ask('Go [[gemini:quota]]'));
    expect(error).toMatchObject({ kind: 'unavailable', code: 'model.quota_exhausted' });
    expect(gemini.requests()).toHaveLength(1);
  });

  test.each([500, 503, 504])('%d is tried again', async (status) => {
    const { model, gemini } = await startModel();
    const { text } = await hear(model, ask(`Go [[gemini:error {"status":${status},"times":2}]]`));
    expect(text).toContain('You asked');
    expect(gemini.requests().map((request) => request.status)).toEqual([status, status, 200]);
  });

  test.each([400, 403, 404])('%d is not tried again', async (status) => {
    const { model, gemini } = await startModel();
    const { error } = await hear(model, ask(`Go [[gemini:error {"status":${status}}]]`));
    expect(error).toMatchObject({ kind: 'precondition', code: 'model.refused' });
    expect(gemini.requests()).toHaveLength(1);
  });

  test('what the API does not take, it does not take of the fallback model', async () => {
    const { model, gemini } = await startModel({ fallback: 'gemini-other' });
    const { error } = await hear(model, ask('Go [[gemini:error {"status":400}]]'));
    expect(error).toMatchObject({ code: 'model.refused' });
    expect(gemini.requests()).toHaveLength(1);
  });

  test('the fallback model answers when the first one does not, and the report names it', async () => {
    const { model, gemini, metric } = await startModel({ fallback: 'gemini-other' });
    gemini.script({ type: 'error', status: 503 }, { model: 'gemini-specialist' });
    const { text, finish } = await hear(model, ask('Go'));
    expect(text).toContain('You asked');
    expect(finish?.report).toMatchObject({ model: 'gemini-other', calls: 4 });
    expect(await metric('potentia_model_fallbacks_total')).toBe(1);
  });

  test.each(['quota', 'error {"status":404}'])(
    'a model without quota, or that is no more, has the fallback too: %s',
    async (marker) => {
      const { model, gemini } = await startModel({ fallback: 'gemini-other' });
      const { text } = await hear(
        model,
        ask(`Go [[gemini:${marker.replace('}', ',"times":1}').replace('quota', 'quota {"times":1}')}]]`),
      );
      expect(text).toContain('You asked');
      expect(gemini.requests().map((request) => request.model)).toEqual(['gemini-specialist', 'gemini-other']);
    },
  );

  test('a socket that is cut before anything was said is tried again', async () => {
    const { model } = await startModel();
    const { text } = await hear(model, ask('Go [[gemini:cut {"after":0,"times":1}]]'));
    expect(text).toContain('You asked');
  });

  test('an error in the middle of a stream is told as what it is', async () => {
    const { model } = await startModel();
    const { error, text } = await hear(model, ask('Go [[gemini:stream_error {"after":2,"status":429}]]'));
    expect(text).not.toBe('');
    expect(error).toMatchObject({ code: 'model.rate_limited' });
  });

  test.each(['cut {"after":2}', 'stream_error {"after":2}', 'no_finish'])(
    'after something was said a failure ends the answer, is told and counted: %s',
    async (marker) => {
      const { model, gemini, metric } = await startModel({ fallback: 'gemini-other' });
      const { text, error, finish } = await hear(model, ask(`Go [[gemini:${marker}]]`));
      expect(text).toContain('You asked');
      expect(finish).toBeUndefined();
      expect(error).toMatchObject({ kind: 'unavailable', code: 'model.unavailable' });
      expect(reportOf(error)).toMatchObject({ calls: 1, model: 'gemini-specialist' });
      expect(reportOf(error).usage.prompt_tokens).toBeGreaterThan(0);
      expect(reportOf(error).usage.output_tokens).toBeGreaterThan(0);
      expect(gemini.requests()).toHaveLength(1);
      expect(await metric('potentia_model_calls_total', { outcome: 'unavailable' })).toBe(1);
    },
  );

  test('an error within the stream before anything was said is tried again', async () => {
    const { model, gemini } = await startModel();
    const { text } = await hear(model, ask('Go [[gemini:stream_error {"after":0,"times":1}]]'));
    expect(text).toContain('You asked');
    expect(gemini.requests()).toHaveLength(2);
  });

  test('a model that says nothing is left at the deadline, and the next one asked', async () => {
    const { model, gemini } = await startModel({ fallback: 'gemini-other', first_token_ms: 150 });
    gemini.script({ type: 'hang' }, { model: 'gemini-specialist' });
    const { text } = await hear(model, ask('Go'));
    expect(text).toContain('You asked');
    await expect.poll(() => gemini.requests()[0]?.outcome).toBe('aborted');
  });

  test('a judge that says nothing leaves time for the fallback model within its deadline', async () => {
    const { model, gemini } = await startModel({ fallback: 'gemini-other', judge_ms: 1_000 });
    gemini.script({ type: 'hang' }, { model: 'gemini-judge' });
    const { result, report } = await model.judge(judging('Hi'), never);
    expect([result.decision, report.model, report.calls]).toEqual(['continue', 'gemini-other', 2]);
  });

  test('a model that falls silent in the middle is left, and that is told', async () => {
    const { model } = await startModel({ idle_ms: 150 });
    const { text, error } = await hear(model, ask('Go [[gemini:silence {"after":1}]]'));
    expect(text).not.toBe('');
    expect(error?.code).toBe('model.timeout');
  });

  test('the whole answer has a deadline, retries and all', async () => {
    const { model } = await startModel({ specialist_ms: 400 });
    const began = performance.now();
    const { error } = await hear(model, ask('Go [[gemini:slow {"ms":3000}]]'));
    expect(error?.code).toBe('model.timeout');
    expect(performance.now() - began).toBeLessThan(1_500);
    expect(reportOf(error).usage.prompt_tokens).toBeGreaterThan(0);
  });

  test('whoever cancels stops the model, before and in the middle of an answer', async () => {
    const { model, gemini } = await startModel();
    gemini.set({ chunks: 20, chunk_ms: 50 });
    const caller = new AbortController();
    const heard: string[] = [];
    const listening = (async () => {
      for await (const event of model.respond(ask('Go'), caller.signal)) {
        if (event.type === 'text') heard.push(event.text);
        caller.abort();
      }
    })();
    await expect(listening).rejects.toMatchObject({ code: 'model.cancelled' });
    expect(heard).toHaveLength(1);
    await expect.poll(() => gemini.requests()[0]?.outcome).toBe('aborted');
    expect((await hear(model, ask('Go'), caller.signal)).error?.code).toBe('model.cancelled');
    expect(gemini.requests()).toHaveLength(1);
  });

  test('whoever stops listening stops the model', async () => {
    const { model, gemini } = await startModel();
    gemini.set({ chunks: 20, chunk_ms: 50 });
    for await (const _event of model.respond(ask('Go'), never)) break;
    await expect.poll(() => gemini.requests()[0]?.outcome).toBe('aborted');
  });

  test('the breaker opens after failures in a row, and then nobody is asked; refusals do not count', async () => {
    const { model, gemini, metric } = await startModel();
    for (let n = 0; n < 6; n++) await hear(model, ask(`Go [[gemini:error {"status":400}]] ${n}`));
    expect(await metric('potentia_model_breaker_state', { model: 'gemini-specialist' })).toBe(0);
    gemini.clear();
    gemini.script({ type: 'error', status: 503 });
    await hear(model, ask('Go'));
    await hear(model, ask('Go'));
    expect(gemini.requests()).toHaveLength(5);
    const { error } = await hear(model, ask('Go'));
    expect(error).toMatchObject({ code: 'model.unavailable', meta: { retry_after_ms: 60_000 } });
    expect(gemini.requests()).toHaveLength(5);
    expect(await metric('potentia_model_breaker_state', { model: 'gemini-specialist' })).toBe(2);
  });

  test('a wrong key is a refusal', async () => {
    const { gemini } = await startModel();
    const other = createGemini(
      {
        api_key: 'wrong',
        base_url: gemini.url,
        models: { judge: 'gemini-a', specialist: 'gemini-a', assess: 'gemini-a', embed: null, fallback: 'gemini-b' },
        prices: [],
        timeouts: {
          judge_ms: 1_000,
          specialist_ms: 1_000,
          assess_ms: 1_000,
          embed_ms: 1_000,
          first_token_ms: 1_000,
          idle_ms: 1_000,
        },
      },
      { log: createLogger({ service: 'test', level: 'silent' }), registry: new Registry() },
    );
    expect((await hear(other, ask('Go'))).error?.code).toBe('model.refused');
    expect(other.embedder).toBeNull();
  });
});
