"""The bundled alert rules: their source, the thresholds in them, and how both become files for Prometheus."""
