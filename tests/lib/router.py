"""What the router tells about itself: its console and its counts of reads."""

import db
import stack
from check import check


class Reads:
    """Statements of class read: how many the replica served, and how many the primary."""

    def __init__(self, replica, primary):
        self.replica, self.primary = replica, primary

    def __sub__(self, other):
        return Reads(self.replica - other.replica, self.primary - other.primary)

    def share(self):
        total = self.replica + self.primary
        check(total > 0, "the router has counted no read")
        return self.replica / total

    def __str__(self):
        return f"replica {self.replica:.0f}, primary {self.primary:.0f}"


def console(command):
    """The rows that the router's console answers, each as a dictionary."""
    connection = db.connect("router", user="postgres", database="parkway")
    with connection.cursor() as cursor:
        cursor.execute(command)
        names = [d.name for d in cursor.description]
        found = [dict(zip(names, row)) for row in cursor.fetchall()]
    connection.close()
    return found


def reads():
    found = stack.metrics("router")
    return Reads(found["parkway_router_reads_replica_total"], found["parkway_router_reads_primary_total"])
