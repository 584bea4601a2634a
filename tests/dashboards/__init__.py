"""Dashboards: what they ask, what they are made of and may say, and a day of data to draw them on."""
