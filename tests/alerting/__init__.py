"""The shipped example for Alertmanager: its syntax, its routes, and which alert hides which."""
