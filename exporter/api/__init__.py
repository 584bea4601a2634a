"""The client: the only part that talks to integrator.io."""
