#!/bin/bash
# Starts PostgreSQL as the image `postgres:16` promises: its variables, its files, its defaults.
# No here-documents: they need a writable /tmp, which a read-only root may not offer.
set -euo pipefail

# secret NAME: the variable itself, or the content of the file that NAME_FILE points to.
secret() {
    local file="${1}_FILE"
    if [ -n "${!1:-}" ] && [ -n "${!file:-}" ]; then
        echo "both $1 and $file are set: only one can count" >&2
        exit 1
    fi
    if [ -n "${!file:-}" ]; then cat "${!file}"; else printf '%s' "${!1:-}"; fi
}

# Root gives the folders to the server's user, and becomes him: PostgreSQL refuses to run as root.
become_postgres() {
    mkdir -p "$PGDATA" /run/postgresql
    find "$PGDATA" /run/postgresql ! -user postgres -exec chown postgres:postgres {} +
    exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
}

require_password() {
    if [ -z "$password" ] && [ "$method" != trust ]; then
        echo "POSTGRES_PASSWORD must be set, or POSTGRES_HOST_AUTH_METHOD=trust: the database is empty" >&2
        exit 1
    fi
}

make_cluster() {
    local words=(--username="$user" --auth-local=trust --auth-host=trust)
    words+=(--set="listen_addresses=*" --set="unix_socket_directories=/var/run/postgresql")
    # shellcheck disable=SC2206 # POSTGRES_INITDB_ARGS is a list of words
    words+=(${POSTGRES_INITDB_ARGS:-})
    if [ -n "$password" ]; then
        initdb --pgdata="$PGDATA" "${words[@]}" --pwfile=<(printf '%s\n' "$password")
    else
        initdb --pgdata="$PGDATA" "${words[@]}"
    fi
    printf '\nhost all all all %s\n' "$method" >>"$PGDATA/pg_hba.conf"
}

run_file() {
    case "$1" in
        *.sh) if [ -x "$1" ]; then "$1"; else . "$1"; fi ;;
        *.sql) psql --set=ON_ERROR_STOP=1 --no-psqlrc --username="$user" --dbname="$database" --file="$1" ;;
    esac
}

# What must be done once is done on a server that nobody can reach yet.
fill_cluster() {
    pg_ctl --pgdata="$PGDATA" --wait --silent --options="-c listen_addresses=" start
    if [ "$database" != postgres ]; then
        printf 'CREATE DATABASE :"name";\n' | psql --set=ON_ERROR_STOP=1 --no-psqlrc --quiet \
            --username="$user" --dbname=postgres --set=name="$database"
    fi
    for file in /docker-entrypoint-initdb.d/*; do run_file "$file"; done
    pg_ctl --pgdata="$PGDATA" --wait --silent --mode=fast stop
}

main() {
    user="${POSTGRES_USER:-postgres}"
    database="${POSTGRES_DB:-$user}"
    password="$(secret POSTGRES_PASSWORD)"
    method="${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}"
    mkdir -p "$PGDATA"
    # A pod's fsGroup opens the folder to its group at every start, which PostgreSQL refuses.
    chmod 700 "$PGDATA" || true
    if [ ! -s "$PGDATA/PG_VERSION" ]; then
        require_password
        make_cluster
        fill_cluster
    fi
    unset POSTGRES_PASSWORD
    exec "$@"
}

case "${1:-postgres}" in -*) set -- postgres "$@" ;; esac
if [ "$1" != postgres ]; then exec "$@"; fi
if [ "$(id -u)" = 0 ]; then become_postgres "$@"; fi
main "$@"
