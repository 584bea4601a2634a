"""What of the Helm chart is made: rules and dashboards with a place for each threshold, schema and README.

`python -m helm.source` writes all of it; tests compare the committed files.
"""
