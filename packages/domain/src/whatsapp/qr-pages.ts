/** Whose page shows which session. */
export interface QrPage {
  session_id: string;
  /** Who made it: the page shows what they may see, for as long as they may. */
  user_id: string;
}

/** Pages that show how to link a session, to whoever has the token; kept by its hash, in Redis. */
export interface QrPages {
  /** Throws when Redis is away. */
  put(token_hash: string, page: QrPage, life_ms: number): Promise<void>;
  /** Null: there is none, or its time is over. Throws when Redis is away. */
  read(token_hash: string): Promise<QrPage | null>;
}
