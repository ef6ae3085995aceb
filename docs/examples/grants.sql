-- Roles for a state in PostgreSQL. Run it as the owner of the tables, after `package-import migrate`, with search_path on
-- their schema; again after each `package-import migrate`, which makes the views anew. It can be run as often as wanted.
--
-- Then make a login for each person and machine:
--     CREATE ROLE worker7 LOGIN IN ROLE package_import_worker;
--
-- What none of them can do: change or remove entries of the audit trail, drop or alter tables, forget publications or
-- versions. That, and pruning the audit trail, is the owner's.

DO $$
DECLARE
    role TEXT;
    it TEXT;
    owner NAME;
    roles CONSTANT TEXT[] := ARRAY['package_import_operator', 'package_import_worker', 'package_import_monitor',
        'package_import_web'];
BEGIN
    SELECT tableowner INTO owner FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'job';
    IF owner IS NULL THEN
        RAISE EXCEPTION 'there are no tables of a state in schema %: SET search_path, or package-import migrate, first',
            COALESCE(current_schema(), '(none)');
    END IF;
    IF NOT pg_has_role(current_user, owner, 'USAGE') THEN
        RAISE EXCEPTION '% does not own the tables: apply this file as %', current_user, owner;
    END IF;
    FOREACH role IN ARRAY roles LOOP
        IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = role) THEN
            IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = current_user AND (rolcreaterole OR rolsuper)) THEN
                RAISE EXCEPTION 'role % does not exist, and % may not make it: CREATEROLE is missing', role, current_user
                    USING HINT = format('Let a superuser say "ALTER ROLE %I CREATEROLE", or "CREATE ROLE ... NOLOGIN" for '
                        'each of %s; then apply this file again.', current_user, array_to_string(roles, ', '));
            END IF;
            EXECUTE format('CREATE ROLE %I NOLOGIN', role);
        END IF;
        -- What an earlier form of this file granted goes.
        EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA %I FROM %I', current_schema(), role);
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', current_schema(), role);
    END LOOP;
    EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA %I TO package_import_operator, package_import_worker, '
        'package_import_web', current_schema());
    -- `backup` and `migrate --to` carry the numbers on from where they are.
    EXECUTE format('GRANT SELECT ON ALL SEQUENCES IN SCHEMA %I TO package_import_operator, package_import_worker',
        current_schema());
    -- The checks' views, and nothing else.
    FOR it IN SELECT viewname FROM pg_views
        WHERE schemaname = current_schema() AND viewname LIKE 'check\_v%' LOOP
        EXECUTE format('GRANT SELECT ON %I TO package_import_monitor', it);
    END LOOP;
END
$$;

-- Imports, and keeps the records of them: `run`, `import`, `enqueue`, `backup`.
GRANT INSERT, UPDATE ON meta, host, run, package, publication, version, job, attempt, signature, failure, dependency,
    sample, verdict, batch, batch_member, suite, counter, wait, history, foreign_ref, remote, publish, collision,
    repository, package_past, past, notice, channel, message, finding, repair_plan, repair_part
    TO package_import_worker;
-- Where else a publication is listed is written anew when that changes.
GRANT INSERT, DELETE ON place TO package_import_worker;
GRANT INSERT ON event TO package_import_worker;
-- A job is over, a wait has ended, a failure is cured, a position is not needed any more; attempts, samples and runs
-- grow old.
GRANT DELETE ON job, wait, failure, meta, attempt, sample, verdict, run, batch, batch_member, foreign_ref,
    collision, package_past, past, notice, message, finding, repair_plan, repair_part TO package_import_worker;
-- A mute ends when there is more than it was for.
GRANT UPDATE (ended, ending) ON mute TO package_import_worker;
-- The end of a suppression whose time is over.
GRANT UPDATE (ended) ON suppression TO package_import_worker;

-- Decides: retries, holds, priorities, policies, settings, hosts; mends counters.
GRANT INSERT, UPDATE ON meta, host, package, job, suppression, sample, verdict, batch, batch_member,
    counter, publish, package_past, past TO package_import_operator;
-- What is published, where its files are and why they are trusted, only a poll or an import writes. An operator asks for an
-- import again, and of a history for what it could not deliver before (`history ask`).
GRANT UPDATE (done, gone, tries) ON publication TO package_import_operator;
GRANT UPDATE ON signature, failure, dependency, batch TO package_import_operator;
GRANT INSERT, UPDATE, DELETE ON setting TO package_import_operator;
-- `remotes NAME --leave`.
GRANT UPDATE (followed) ON remote TO package_import_operator;
-- `history ask`.
GRANT INSERT, UPDATE ON history TO package_import_operator;
-- `collision resolve` writes what was decided; a worker carries it out.
GRANT UPDATE (decision, decided, decided_by, reason, trouble) ON collision TO package_import_operator;
-- `repair plan`, `apply` and `undo` are asked for; a worker does them.
GRANT INSERT, UPDATE ON repair_plan, repair_part, mute TO package_import_operator;
GRANT INSERT ON event TO package_import_operator;
-- What somebody decides can begin or end what people are told.
GRANT INSERT, UPDATE, DELETE ON notice TO package_import_operator;
-- `prune` keeps what explains the present.
GRANT DELETE ON meta, attempt, sample, verdict, run, batch, batch_member, package_past, past, message, repair_plan,
    repair_part TO package_import_operator;

-- Serves the pages (docs/web.md): reads what they show, and does what their buttons do, which is less than an operator may.
GRANT INSERT, UPDATE ON meta, package, job, suppression, sample, verdict, batch, batch_member, counter, publish,
    package_past, past TO package_import_web;
GRANT UPDATE ON host, signature, failure, dependency TO package_import_web;
-- A package that is held or tried again by itself is no part of a batch any more.
GRANT DELETE ON batch_member TO package_import_web;
GRANT UPDATE (done, gone, tries) ON publication TO package_import_web;
GRANT UPDATE (decision, decided, decided_by, reason, trouble) ON collision TO package_import_web;
GRANT INSERT, UPDATE ON repair_plan, repair_part, mute TO package_import_web;
GRANT INSERT ON event TO package_import_web;
GRANT INSERT, UPDATE, DELETE ON notice TO package_import_web;
