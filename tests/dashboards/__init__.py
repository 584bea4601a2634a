"""Dashboards are drawn on a day that was lived: `python -m tests.dashboards.day --serve`."""
