/** One attempt at one endpoint. */
export interface WebhookRequest {
  url: string;
  headers: Readonly<Record<string, string>>;
  body: string;
}

/** What the endpoint answered, or why there was no answer (`error`, in words that customers may read). */
export interface WebhookAnswer {
  status: number | null;
  error: string | null;
  /** How the body began, as text without control characters. */
  excerpt: string | null;
  retry_after_ms?: number | undefined;
  latency_ms: number;
}

/** Sends requests to where customers say. Never rejects: what goes wrong is an answer too. */
export interface WebhookSender {
  send(request: WebhookRequest): Promise<WebhookAnswer>;
  close(): void;
}
