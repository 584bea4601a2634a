"""The page at `/`, as it is told and as a browser shows it."""
