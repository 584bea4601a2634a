"""Dashboards: what they ask, what they are made of, and a day of data to draw them on."""
