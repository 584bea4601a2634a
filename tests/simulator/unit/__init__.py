"""The simulator from the inside: engine, account, clock, incidents and faults, mostly without sockets."""
