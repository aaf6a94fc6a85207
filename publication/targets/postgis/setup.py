"""The SQL that a database administrator runs once: roles, schemas, and what nobody may.

Plain data: text in, text out. What it grants is audited at each load.
"""

from publication.tables import literal, quoted
from publication.targets.postgis.declared import EVERYONE, EXPERTS, PUBLISHER, SCHEMA, STAGING

LARGE_OBJECTS = (
    "lo_creat(integer)",
    "lo_create(oid)",
    "lo_from_bytea(oid, bytea)",
    "lo_open(oid, integer)",
    "lo_put(oid, bigint, bytea)",
    "lo_unlink(oid)",
)
"""Functions with which every role may write into a database by default."""


def setup_sql(publisher: str = PUBLISHER) -> str:
    """Return the SQL that sets up a database; running it again changes nothing.

    Args:
        publisher: the role that loads editions and owns the schemas.
    """
    owner, experts, everyone = map(quoted, (publisher, EXPERTS, EVERYONE))
    functions = "\n".join(
        f"REVOKE EXECUTE ON FUNCTION pg_catalog.{function} FROM PUBLIC;"
        for function in LARGE_OBJECTS
    )
    return f"""\
-- Sozialraum in PostGIS: run once, as a superuser, in a database of its own:
--     sozialraum ziel-sql | psql --set ON_ERROR_STOP=1 --dbname geodaten
-- Then give the publisher a login (psql: \\password {publisher}):
--     ALTER ROLE {owner} LOGIN;
-- and each reader's login one of the two roles:
--     GRANT {everyone} TO gis_jobcenter;
--     GRANT {experts} TO sozialplanung;
BEGIN;

DO $$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY[{", ".join(map(literal, (publisher, EXPERTS, EVERYONE)))}]
    LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
        END IF;
    END LOOP;
END $$;
ALTER ROLE {owner} NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
ALTER ROLE {experts} NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
ALTER ROLE {everyone} NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;

CREATE EXTENSION IF NOT EXISTS postgis;

-- The publisher owns its two schemas and may create no others.
CREATE SCHEMA IF NOT EXISTS {SCHEMA} AUTHORIZATION {owner};
CREATE SCHEMA IF NOT EXISTS {STAGING} AUTHORIZATION {owner};
DO $$
BEGIN
    IF EXISTS (
        SELECT FROM pg_namespace
        WHERE nspname IN ({literal(SCHEMA)}, {literal(STAGING)})
            AND pg_get_userbyid(nspowner) <> {literal(publisher)}
    ) THEN
        RAISE EXCEPTION 'schemas {SCHEMA} and {STAGING}: expected owner %, found another one; '
            'take a database of its own, or give them to this role', {literal(publisher)};
    END IF;
END $$;
REVOKE ALL ON SCHEMA {SCHEMA}, {STAGING} FROM PUBLIC, {experts}, {everyone};
GRANT USAGE ON SCHEMA {SCHEMA} TO {experts}, {everyone};

-- What every role may do by default, and no reader needs. Other roles that work in this database
-- are granted CONNECT (and TEMPORARY) by name.
DO $$
BEGIN
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I, %I, %I', current_database(),
        {literal(publisher)}, {literal(EXPERTS)}, {literal(EVERYONE)});
    IF EXISTS (SELECT FROM pg_namespace WHERE nspname = 'public') THEN
        REVOKE CREATE ON SCHEMA public FROM PUBLIC;
    END IF;
END $$;
{functions}

COMMIT;

-- Roles are those of the whole server. Other databases are not changed here, since other programs
-- may rely on them: run what this prints where nothing does.
DO $$
DECLARE
    other text;
BEGIN
    FOR other IN
        SELECT format('REVOKE CONNECT, TEMPORARY ON DATABASE %I FROM PUBLIC;', datname)
        FROM pg_database
        CROSS JOIN LATERAL aclexplode(coalesce(datacl, acldefault('d', datdba))) AS entry
        WHERE datallowconn AND datname <> current_database()
            AND entry.grantee = 0 AND entry.privilege_type = 'CONNECT'
        ORDER BY datname
    LOOP
        RAISE WARNING 'open to every role, readers included: %', other;
    END LOOP;
END $$;
"""
