"""Generated cases that may take as long as they take: no test depends on how fast a machine is."""

from hypothesis import HealthCheck, settings

ANY_SPEED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
