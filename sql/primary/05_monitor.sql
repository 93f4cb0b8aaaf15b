-- parkway status shows when the relay last reported; that column is for monitoring roles.

GRANT pg_monitor TO parkway;
