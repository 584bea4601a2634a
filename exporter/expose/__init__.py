"""From the account model to bytes: catalogue, families, renderer, snapshot."""
