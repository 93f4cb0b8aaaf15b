/* account.h - who may log in where: the primary's verifiers, carried to the replica and to the router.
 *
 * The router logs in to every server with what a client proved to it, so a login works on a replica
 * only if the replica's verifier is the primary's, byte for byte. Thread: one, blocking. */
#ifndef PARKWAY_OPS_ACCOUNT_H
#define PARKWAY_OPS_ACCOUNT_H

#include "ops/captured.h"

/* account_carry - every role of the primary that logs in by SCRAM and is no superuser exists on the
 * replica, without any right to write there: on each mirror it may SELECT if it may on the source (and the
 * source has no row security, which a mirror does not repeat). parkway may also change the mirrors. Roles that
 * are superusers on the replica are left alone; the router reads for them on the primary. */
NODISCARD int account_carry(struct conn *primary, struct conn *replica,
                            const struct captured *captured, struct err *e);

/* account_write_users - the router's file: a line "user" "verifier" for each login of the primary but
 * parkway's; replaced as a whole, readable by its owner alone. */
NODISCARD int account_write_users(struct conn *primary, const char *path, struct err *e);

#endif
