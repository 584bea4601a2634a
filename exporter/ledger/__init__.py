"""Finished runs counted once: the ledger."""
