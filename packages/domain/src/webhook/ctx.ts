import type { UserCtx } from '../platform/ctx.ts';
import type { Sealer } from '../platform/seal.ts';
import type { TargetGuard } from './target.ts';

/** What verbs need that make or change an endpoint. */
export type WebhookCtx = UserCtx & { sealer: Sealer; targets: TargetGuard };
