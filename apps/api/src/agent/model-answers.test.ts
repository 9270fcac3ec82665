import type { AppError } from '@potentia/domain/platform/errors';
import { describe, expect, test } from 'vitest';
import { ask, assessing, hear, judging, never, reportOf, startModel } from '../testing/model-kit.ts';

describe('an answer', () => {
  test('is streamed in parts, with what it took, thoughts beside the output', async () => {
    const { model, gemini, metric } = await startModel();
    gemini.script({ type: 'thoughts', text: 'secret '.repeat(8) });
    gemini.script({ type: 'answer', text: 'Nine in the morning, as every day.' });
    const { events, text, finish } = await hear(model, ask('When?'));
    expect(text).toBe('Nine in the morning, as every day.');
    expect(events.filter(({ type }) => type === 'text').length).toBeGreaterThan(1);
    expect(finish).toMatchObject({
      reason: 'stop',
      explanation: null,
      report: {
        provider: 'gemini',
        model: 'gemini-specialist',
        calls: 1,
        usage: { output_tokens: 9, thought_tokens: 14 },
      },
    });
    expect(finish?.report.usage.prompt_tokens).toBeGreaterThan(100);
    expect(await metric('potentia_model_tokens_total', { kind: 'thought' })).toBe(14);
    expect(await metric('potentia_model_calls_total', { outcome: 'ok' })).toBe(1);
  });

  test('is asked for on the wire as the API wants it, the message last, tools as JSON Schema', async () => {
    const { model, gemini } = await startModel();
    const parameters = { type: 'object', properties: { query: { type: 'string' } }, additionalProperties: false };
    const tools = [{ name: 'find_schedules', description: 'Finds.', parameters }];
    await hear(model, ask('When?', { tools }));
    const [request] = gemini.requests();
    expect(request).toMatchObject({ method: 'streamGenerateContent', model: 'gemini-specialist', outcome: 'answered' });
    expect(request?.body).toEqual({
      systemInstruction: { role: 'system', parts: [{ text: expect.stringContaining('Rules of the house') as string }] },
      contents: [{ role: 'user', parts: [{ text: expect.stringMatching(/^Now: /) as string }, { text: 'When?' }] }],
      generationConfig: { maxOutputTokens: 8192 },
      safetySettings: [],
      tools: [
        { functionDeclarations: [{ name: 'find_schedules', description: 'Finds.', parametersJsonSchema: parameters }] },
      ],
    });
  });

  test('what the provider had cached is counted as such', async () => {
    const { model, gemini } = await startModel();
    gemini.script({ type: 'cached', tokens: 50 });
    const { finish } = await hear(model, ask('When?'));
    expect(finish?.report.usage.cached_tokens).toBe(50);
  });

  test('the tokens of a prompt are never more than was estimated', async () => {
    const { model, gemini } = await startModel();
    const { finish } = await hear(model, ask('Kapan saya harus ke dokter gigi? '.repeat(20)));
    const [request] = gemini.requests();
    const { systemInstruction, contents } = request?.body as { systemInstruction: object; contents: object[] };
    const texts = JSON.stringify([systemInstruction, contents]).match(/"text":"(?:[^"\\]|\\.)*"/g) ?? [];
    const estimated = texts.reduce((sum, json) => sum + model.estimateTokens(JSON.parse(json.slice(7)) as string), 0);
    expect(finish?.report.usage.prompt_tokens).toBeLessThanOrEqual(estimated);
  });

  test('that is too long ends with that reason', async () => {
    const { model } = await startModel();
    const { finish, text } = await hear(model, ask('Go [[gemini:max_tokens]]'));
    expect(finish?.reason).toBe('max_tokens');
    expect(text).not.toBe('');
  });

  test.each([
    ['en' as const, 'refused this message because its safety filter'],
    ['id' as const, 'menolak pesan ini karena filter keamanannya'],
  ])(
    'a blocked prompt is explained in the language of the person (%s), and not sent again',
    async (locale, explanation) => {
      const { model, gemini } = await startModel({ fallback: 'gemini-other' });
      const input = ask('Bad [[gemini:block_prompt]]');
      const { finish } = await hear(model, { ...input, prompt: { ...input.prompt, locale } });
      expect(finish).toMatchObject({ reason: 'blocked', explanation: expect.stringContaining(explanation) as string });
      expect(gemini.requests()).toHaveLength(1);
    },
  );

  test.each(['SAFETY', 'RECITATION', 'PROHIBITED_CONTENT', 'SPII', 'BLOCKLIST'])(
    'an answer that %s stopped keeps what was said, and says why it ends',
    async (reason) => {
      const { model, gemini } = await startModel();
      const { finish, text } = await hear(
        model,
        ask(`Go [[gemini:block_answer {"reason":"${reason}","text":"Well, "}]]`),
      );
      expect(text).toBe('Well, ');
      expect(finish).toMatchObject({ reason: 'blocked', explanation: expect.stringContaining('stopped') as string });
      expect(gemini.requests()).toHaveLength(1);
    },
  );
});

describe('tools', () => {
  const tools = [
    { name: 'find_schedules', description: 'Finds.', parameters: { type: 'object', additionalProperties: false } },
  ];

  test('what a tool gave goes back with the parts of the model as they came, signature and all', async () => {
    const { model, gemini } = await startModel();
    gemini.script({ type: 'thoughts' });
    gemini.script({ type: 'tool', name: 'find_schedules', args: { query: 'dentist' }, text: 'Let me look. ' });
    const first = await hear(model, ask('When?', { tools }));
    const request = first.events.find((event) => event.type === 'tool')?.request;
    expect(request).toMatchObject({ name: 'find_schedules', arguments: { query: 'dentist' } });
    expect(first.text).toBe('Let me look. ');
    expect(first.finish?.reason).toBe('tools');
    const rounds = [{ raw: first.finish?.raw, results: [{ request: request!, response: { found: 2 } }] }];
    const second = await hear(model, ask('When?', { tools, rounds }));
    expect(second.error).toBeUndefined();
    expect(second.text).toBe('find_schedules answered {"found":2}.');
    const { contents } = gemini.requests().at(-1)?.body as { contents: { role: string; parts: object[] }[] };
    expect(contents.slice(-2)).toMatchObject([
      {
        role: 'model',
        parts: expect.arrayContaining([
          expect.objectContaining({ thoughtSignature: expect.any(String) as string }),
        ]) as object[],
      },
      {
        role: 'function',
        parts: [{ functionResponse: { id: request?.id, name: 'find_schedules', response: { found: 2 } } }],
      },
    ]);
  });

  test('another model gets the parts without a signature that it could not read', async () => {
    const { model, gemini } = await startModel({ fallback: 'gemini-other' });
    gemini.script({ type: 'tool', name: 'find_schedules', args: {} });
    const first = await hear(model, ask('When?', { tools }));
    const request = first.events.find((event) => event.type === 'tool')!.request;
    gemini.script({ type: 'quota' }, { model: 'gemini-specialist' });
    gemini.clear();
    gemini.script({ type: 'quota' }, { model: 'gemini-specialist' });
    const rounds = [{ raw: first.finish?.raw, results: [{ request, response: {} }] }];
    const second = await hear(model, ask('When?', { tools, rounds }));
    expect(second).toMatchObject({
      text: 'find_schedules answered {}.',
      finish: { report: { model: 'gemini-other' } },
    });
  });

  test('several calls at once each get their result', async () => {
    const { model, gemini } = await startModel();
    gemini.script({
      type: 'tools',
      calls: [
        { name: 'find_schedules', args: { query: 'a' } },
        { name: 'find_schedules', args: { query: 'b' } },
      ],
    });
    const first = await hear(model, ask('When?', { tools }));
    const requests = first.events.flatMap((event) => (event.type === 'tool' ? [event.request] : []));
    expect(new Set(requests.map(({ id }) => id)).size).toBe(2);
    const results = requests.map((request) => ({ request, response: { of: request.arguments } }));
    const second = await hear(model, ask('When?', { tools, rounds: [{ raw: first.finish?.raw, results }] }));
    expect(second.text).toContain('{"of":{"query":"b"}}');
  });

  test('a call that the model could not write down is asked for again in words', async () => {
    const { model, gemini } = await startModel();
    const { text, finish } = await hear(model, ask('Go [[gemini:malformed_call]]', { tools }));
    expect(text).toContain('You asked');
    expect(finish).toMatchObject({ reason: 'stop', report: { calls: 2 } });
    expect(gemini.requests().at(-1)?.body).toMatchObject({ toolConfig: { functionCallingConfig: { mode: 'NONE' } } });
  });

  test('an answer of nothing is asked for once more, and then stands', async () => {
    const { model, gemini } = await startModel();
    expect((await hear(model, ask('Go [[gemini:empty {"times":1}]]'))).text).toContain('You asked');
    expect(await hear(model, ask('Go [[gemini:empty]]'))).toMatchObject({ text: '', finish: { reason: 'stop' } });
    expect(gemini.requests()).toHaveLength(4);
  });
});

describe('answers in JSON', () => {
  test('is read without what the model thought before it', async () => {
    const { model, gemini } = await startModel();
    gemini.script({ type: 'thoughts', text: 'The hotel? {"decision": "new"}' });
    const { is_defaulted, report } = await model.judge(judging('and the hotel?'), never);
    expect([is_defaulted, report.calls]).toEqual([false, 1]);
    expect(report.usage.thought_tokens).toBeGreaterThan(0);
  });

  test('the judge goes on, begins anew, or goes to a conversation that there is', async () => {
    const { model, gemini } = await startModel();
    expect(await model.judge(judging('and the hotel?'), never)).toMatchObject({
      result: { decision: 'continue', context_id: null, title: null, confidence: 0.9 },
      is_defaulted: false,
      report: { model: 'gemini-judge', calls: 1 },
    });
    expect((await model.judge(judging('Plan my party', { active: null }), never)).result).toEqual({
      ...{ decision: 'new', context_id: null, title: 'Plan my party', confidence: 0.8 },
    });
    gemini.script({ type: 'judge', decision: 'switch', context_id: 'c2' });
    expect((await model.judge(judging('my tax'), never)).result).toMatchObject({
      decision: 'switch',
      context_id: 'c2',
    });
    expect(gemini.requests()[0]?.body).toMatchObject({
      generationConfig: {
        responseMimeType: 'application/json',
        responseSchema: { required: ['decision', 'confidence'] },
      },
    });
  });

  test.each(['bad_json', 'cut_json', 'judge {"decision":"switch","context_id":"made-up"}'])(
    'what cannot be read is sent back with what is wrong, and repaired: %s',
    async (marker) => {
      const { model, gemini, metric } = await startModel();
      const json = marker.includes('{')
        ? marker.replace('}', ',"call":"judge","times":1}')
        : `${marker} {"call":"judge","times":1}`;
      const { result, is_defaulted, report } = await model.judge(judging(`Hi [[gemini:${json}]]`), never);
      expect({ decision: result.decision, is_defaulted, calls: report.calls }).toEqual({
        ...{ decision: 'continue', is_defaulted: false, calls: 2 },
      });
      const [first, second] = gemini.requests();
      expect((second?.body as { contents: object[] }).contents).toHaveLength(3);
      expect(JSON.stringify(second?.body)).toContain('could not be used');
      expect(report.usage.prompt_tokens).toBeGreaterThan(0);
      expect(first?.status).toBe(200);
      expect(await metric('potentia_model_repairs_total', { outcome: 'repaired' })).toBe(1);
    },
  );

  test('what cannot be repaired gets the safe default: stay, and remember nothing', async () => {
    const { model, gemini, metric } = await startModel();
    gemini.script({ type: 'bad_json' });
    expect(await model.judge(judging('Hi'), never)).toMatchObject({
      result: { decision: 'continue' },
      is_defaulted: true,
      report: { calls: 2 },
    });
    expect(await model.assess(assessing('I moved to Bandung'), never)).toMatchObject({
      result: { findings: [], title: null, summary: null },
      is_defaulted: true,
    });
    expect(await metric('potentia_model_repairs_total', { outcome: 'defaulted' })).toBe(2);
  });

  test('findings are read as they are meant; absent is null', async () => {
    const { model, gemini } = await startModel();
    const finding = {
      kind: 'fact',
      subject: 'user',
      attribute: 'home city',
      content: 'Lives in Bandung.',
      quote: 'I moved to Bandung',
      confidence: 0.9,
    };
    gemini.script({ type: 'assess', findings: [finding], title: ' ', summary: 'Moving.' });
    const { result } = await model.assess(assessing('I moved to Bandung'), never);
    expect(result).toEqual({
      findings: [{ ...finding, supersedes: null, valid_from: null, valid_until: null }],
      title: null,
      summary: 'Moving.',
    });
  });

  test('a block is told; a deadline too, and it is counted', async () => {
    const { model, gemini } = await startModel({ judge_ms: 300 });
    gemini.script({ type: 'block_prompt', reason: 'PROHIBITED_CONTENT' }, { call: 'assess' });
    await expect(model.assess(assessing('x'), never)).rejects.toMatchObject({
      ...{ code: 'model.blocked', kind: 'precondition', meta: { reason: 'PROHIBITED_CONTENT' } },
    });
    gemini.script({ type: 'hang' }, { call: 'judge' });
    const error: AppError = await model.judge(judging('x'), never).then(
      () => expect.unreachable(),
      (thrown: unknown) => thrown as AppError,
    );
    expect(error.code).toBe('model.timeout');
    expect(reportOf(error).usage.prompt_tokens).toBeGreaterThan(0);
  });

  test('a socket that is cut in the middle of the JSON is tried again', async () => {
    const { model, gemini } = await startModel();
    gemini.script({ type: 'cut' }, { times: 1 });
    expect((await model.judge(judging('Hi'), never)).result.decision).toBe('continue');
    expect(gemini.requests()).toHaveLength(2);
  });
});

describe('vectors', () => {
  test('are unit vectors of 768 dimensions in the order of the texts, for queries and for documents', async () => {
    const { model, gemini } = await startModel();
    const texts = ['dinner with Maria', 'tax', '  '];
    const { result, report } = await model.embedder!.embed(texts, 'document', never);
    expect(result.map((vector) => [vector.length, Math.round(Math.hypot(...vector) * 1e6) / 1e6])).toEqual([
      [768, 1],
      [768, 1],
      [768, 1],
    ]);
    expect(report).toMatchObject({ model: 'gemini-embedding-001', calls: 1 });
    expect(report.usage.prompt_tokens).toBeGreaterThan(4);
    const one = await model.embedder!.embed(['dinner with Maria'], 'query', never);
    expect(one.result[0]).toEqual(result[0]);
    const [batch, single] = gemini.requests({ call: 'embed' });
    expect(batch).toMatchObject({
      method: 'batchEmbedContents',
      body: { requests: [{ taskType: 'RETRIEVAL_DOCUMENT', outputDimensionality: 768 }, {}, {}] },
    });
    expect(single).toMatchObject({ method: 'embedContent', body: { taskType: 'RETRIEVAL_QUERY' } });
    expect(await model.embedder!.embed([], 'query', never)).toMatchObject({ result: [], report: { calls: 0 } });
  });

  test('have no fallback, and fail as the port says', async () => {
    const { model, gemini } = await startModel({ fallback: 'gemini-other', embed_ms: 2_000 });
    gemini.script({ type: 'error', status: 503 });
    await expect(model.embedder!.embed(['x'], 'query', never)).rejects.toMatchObject({ code: 'model.unavailable' });
    expect(new Set(gemini.requests().map((request) => request.model))).toEqual(new Set(['gemini-embedding-001']));
  });
});
