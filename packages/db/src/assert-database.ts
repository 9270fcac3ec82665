import type { Queryable } from './client.ts';

/** The database does not protect its tenants as it should; a service must not start. The message lists what is wrong. */
export class UnsafeDatabaseError extends Error {
  override readonly name = 'UnsafeDatabaseError';
  readonly problems: string[];

  constructor(problems: string[]) {
    super(`the database is not safe to serve from:\n${problems.map((problem) => `- ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

/** A service that starts beside many others waits longer than a request would. */
const START_TIMEOUT_MS = 10_000;

/**
 * To be called once at start: the schema is there, the service's role neither is a superuser nor bypasses row security, every table has row
 * security enabled and forced, views run as their caller, functions pin their search_path (or are bound when created), and
 * definer functions are not for everybody. Throws `UnsafeDatabaseError` and what `call` throws.
 */
export async function assertDatabase(db: Queryable): Promise<void> {
  // Of its own: where the schema is missing, the names below do not even parse.
  const [schema] = await db.call<{ found: boolean }>(`select to_regnamespace('app') is not null as found`, [], {
    timeout_ms: START_TIMEOUT_MS,
  });
  if (!schema?.found) throw new UnsafeDatabaseError(['there is no schema app: migrate first']);
  const rows = await db.call<{ problem: string }>(
    `select 'the role ' || current_user || ' is a superuser or bypasses row security' as problem
     from pg_roles where rolname = current_user and (rolsuper or rolbypassrls)
     union all
     select 'the role ' || current_user || ' owns the table ' || c.relname
     from pg_class c where c.relnamespace in ('app'::regnamespace, 'wa'::regnamespace) and c.relkind in ('r', 'p') and pg_has_role(current_user, c.relowner, 'usage')
     union all
     select 'row security of the table ' || c.relname || ' is not enabled and forced'
     from pg_class c
     where c.relnamespace in ('app'::regnamespace, 'wa'::regnamespace) and c.relkind in ('r', 'p') and not (c.relrowsecurity and c.relforcerowsecurity)
     union all
     select 'the view ' || c.relname || ' does not run as its caller'
     from pg_class c
     where c.relnamespace in ('app'::regnamespace, 'wa'::regnamespace) and c.relkind in ('v', 'm')
       and not coalesce(c.reloptions @> array['security_invoker=true'], false)
     union all
     select 'the function ' || p.proname || ' does not pin its search_path'
     from pg_proc p
     where p.pronamespace in ('app'::regnamespace, 'wa'::regnamespace) and p.prosqlbody is null
       and not exists (select from unnest(p.proconfig) setting where setting like 'search_path=%')
     union all
     select 'the function ' || p.proname || ' is granted to everybody'
     from pg_proc p
     where p.pronamespace in ('app'::regnamespace, 'wa'::regnamespace)
       and (p.proacl is null or exists (select from aclexplode(p.proacl) a where a.grantee = 0))`,
    [],
    { timeout_ms: START_TIMEOUT_MS },
  );
  if (rows.length > 0) throw new UnsafeDatabaseError(rows.map((row) => row.problem));
}
