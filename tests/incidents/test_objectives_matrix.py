"""Every scenario of the group `objectives`."""

from tests.incidents.held import matrix_of

test_it_is_detected_in_time_and_nothing_else_is_alerted = matrix_of("objectives")
