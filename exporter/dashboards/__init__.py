"""The bundled Grafana dashboards and how they leave the package."""
