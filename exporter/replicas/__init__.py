"""Several exporters on one Redis or Valkey: one of them refreshes an account, all of them serve it."""
