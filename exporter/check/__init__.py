"""`celigo-exporter check`: one health check with cause and remedy."""
