"""Settings: one frozen object, built once from file, environment and flags."""
