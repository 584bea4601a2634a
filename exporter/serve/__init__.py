"""The HTTP side: scrapes, probes of the exporter itself, the page for people."""
