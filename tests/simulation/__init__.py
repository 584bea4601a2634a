"""A week of an account in seconds: the exporter and the simulator in one thread and in virtual time."""
