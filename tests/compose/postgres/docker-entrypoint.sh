#!/bin/bash
# The part of the official image's entry point that compose/cqrs.yml relies on: POSTGRES_PASSWORD, _USER, _DB and
# _INITDB_ARGS make the cluster of an empty volume; the scripts of /docker-entrypoint-initdb.d run once, against a
# server that listens on its socket alone.
set -euo pipefail
user=${POSTGRES_USER:-postgres}
database=${POSTGRES_DB:-$user}
if [[ $1 == postgres && ! -s $PGDATA/PG_VERSION ]]; then
    eval "arguments=(${POSTGRES_INITDB_ARGS:-})"
    # shellcheck disable=SC2154 # set by the line above
    initdb -D "$PGDATA" -U "$user" --pwfile=<(echo "${POSTGRES_PASSWORD:?}") "${arguments[@]}"
    echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
    export PGPASSWORD=$POSTGRES_PASSWORD
    pg_ctl -D "$PGDATA" -w -o "-c listen_addresses=''" start
    [[ $database == postgres ]] || createdb -U "$user" "$database"
    for script in /docker-entrypoint-initdb.d/*.sql; do
        [[ ! -e $script ]] || psql -v ON_ERROR_STOP=1 -U "$user" -d "$database" -f "$script"
    done
    pg_ctl -D "$PGDATA" -w -m fast stop
    unset PGPASSWORD
fi
if [[ $1 == postgres ]]; then
    shift
    exec postgres -c listen_addresses='*' "$@"
fi
exec "$@"
