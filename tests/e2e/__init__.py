"""Real processes: the exporter, Prometheus, promtool, Chromium."""
