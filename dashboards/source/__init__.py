"""What the dashboards are made of: every board is a module in `boards`, written in the terms of the modules here.

`python -m dashboards.source` writes them, with placeholders for the thresholds of the alert rules, into the package;
`celigo-exporter dashboards export` fills those in. Nothing here is needed to run the exporter.
"""
