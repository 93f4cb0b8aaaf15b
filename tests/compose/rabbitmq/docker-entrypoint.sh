#!/bin/bash
# The part of the official image's entry point that compose/cqrs.yml relies on: RABBITMQ_DEFAULT_USER and _PASS name the
# first user, who may come from outside the container.
set -euo pipefail
if [[ $1 == rabbitmq-server ]]; then
    export RABBITMQ_CONFIG_FILE=/tmp/rabbitmq.conf
    cat >"$RABBITMQ_CONFIG_FILE" <<CONF
loopback_users.guest = false
log.console = true
default_user = ${RABBITMQ_DEFAULT_USER:-guest}
default_pass = ${RABBITMQ_DEFAULT_PASS:-guest}
CONF
fi
exec "$@"
